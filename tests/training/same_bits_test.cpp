// Same seed, same bits: fifty steps of LeNet-5 end in the same parameters on one thread or several and at each
// instruction set that the host runs, with any schedule that a tuner may pick; a sample alone gives the bits that
// it gives in a batch.
#include <gtest/gtest.h>

#include <map>

#include "strata/base/threads/thread_pool.h"
#include "strata/machine/cpu_target.h"
#include "strata/models/gpt.h"
#include "strata/models/lenet.h"
#include "strata/nn/loss.h"
#include "strata/optim/rules.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

namespace strata {
namespace {

constexpr int64_t kBatch = 24;
constexpr int kSteps = 50, kBatches = 5;

struct Batch {
  HostArray x, y;
};

/// How a training is run: none of it may show in the result.
struct Setting {
  int threads = 1;
  machine::CpuTarget cpu = machine::kScalar;
  uint64_t schedule_variation = 0;
  std::string name() const {
    return std::to_string(threads) + " threads, " + std::string(cpu.name) + ", schedules " +
           std::to_string(schedule_variation);
  }
};

/// The host's way again at the end of the scope.
class SettingScope {
 public:
  explicit SettingScope(const Setting& s) : threads_(base::ThreadPool::shared().thread_count()) {
    base::ThreadPool::shared().set_thread_count(s.threads);
    machine::force_cpu_target(s.cpu);
  }
  ~SettingScope() {
    base::ThreadPool::shared().set_thread_count(threads_);
    machine::force_cpu_target(std::nullopt);
  }
  SettingScope(const SettingScope&) = delete;

 private:
  int threads_;
};

std::vector<Setting> settings() {
  std::vector<Setting> list;
  for (const machine::CpuTarget& cpu : machine::host_cpu_targets()) {
    for (const int threads : {1, 2}) list.push_back({threads, cpu});
  }
  list.push_back({3, machine::host_cpu_target()});
  return list;
}

std::vector<Batch> made_up_batches() {
  std::vector<Batch> batches;
  for (uint64_t i = 0; i < kBatches; ++i)
    batches.push_back({uniform(Key(2 * i), {kBatch, 1, 28, 28}, -1, 1).array().clone(),
                       random_integers(Key(2 * i + 1), {kBatch}, 0, 10, DType::i64).array().clone()});
  return batches;
}

/// Copies of every tensor that training has changed, by path.
using State = std::map<std::string, HostArray>;

State train(const Setting& setting, const std::vector<Batch>& batches) {
  const SettingScope scope(setting);
  auto model = nn::init<models::LeNet>(Key(7));
  auto sgd = optim::Sgd{.lr = 0.05, .momentum = 0.9, .clip_norm = 5}.start(model);
  auto step = jit(
      [](models::LeNet& m, optim::Optimiser& opt, Tensor x_BCHW, Tensor y_B) {
        auto [loss, grads] =
            value_and_grad([&](const models::LeNet& m) { return nn::cross_entropy(m(x_BCHW), y_B); }, m);
        opt.update(m, grads, loss);
        return loss;
      },
      {.name = "same_bits", .schedule_variation = setting.schedule_variation});
  State state;
  for (int i = 0; i < kSteps; ++i) {
    const Batch& batch = batches[i % kBatches];
    state["loss." + std::to_string(i)] = step(model, sgd, Tensor(batch.x), Tensor(batch.y)).array().clone();
  }
  for (const Leaf& leaf : leaves_of(model).list) state["model." + leaf.paths[0]] = leaf.tensor().array().clone();
  for (const Leaf& leaf : leaves_of(sgd).list) state["optimiser." + leaf.paths[0]] = leaf.tensor().array().clone();
  return state;
}

void expect_same_bits(const State& a, const State& b, const std::string& where) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [path, array] : a) EXPECT_TRUE(array.same_bits(b.at(path))) << path << " differs: " << where;
}

TEST(SameBits, FiftyStepsOfLeNetForEachThreadCountAndInstructionSet) {
  const std::vector<Batch> batches = made_up_batches();
  const std::vector<Setting> all = settings();
  const State first = train(all[0], batches);
  EXPECT_NE(first.at("loss.0").get(0), first.at("loss.49").get(0));
  for (size_t i = 1; i < all.size(); ++i) expect_same_bits(first, train(all[i], batches), all[i].name());
}

TEST(SameBits, FiftyStepsOfLeNetWithAnySchedule) {
  const std::vector<Batch> batches = made_up_batches();
  const State first = train({1, machine::host_cpu_target()}, batches);
  for (const machine::CpuTarget& cpu : {machine::kAvx2, machine::host_cpu_target()})
    for (const uint64_t variation : {1, 2, 3}) {
      if (!machine::host_can_run(cpu)) continue;
      const Setting setting{2, cpu, variation};
      expect_same_bits(first, train(setting, batches), setting.name());
    }
}

TEST(SameBits, OtherBatchesGiveOtherParameters) {
  const std::vector<Batch> batches = made_up_batches();
  std::vector<Batch> turned(batches.rbegin(), batches.rend());
  const Setting setting{1, machine::host_cpu_target()};
  EXPECT_FALSE(train(setting, batches).at("model.fc3.weight").same_bits(train(setting, turned).at("model.fc3.weight")));
}

/// Row `i` of an array, as a batch of one.
Tensor row(const HostArray& a, int64_t i) {
  std::vector<int64_t> shape = a.shape();
  const int64_t bytes = a.bytes() / shape[0];
  shape[0] = 1;
  HostArray one(a.dtype(), shape);
  std::memcpy(one.data(), a.data() + i * bytes, bytes);
  return Tensor(std::move(one));
}

template <class F>
void expect_same_alone(F apply, const HostArray& batch) {
  for (const Setting& setting : settings()) {
    const SettingScope scope(setting);
    auto jitted = jit(apply);
    const HostArray together = jitted(Tensor(batch)).array().clone();
    for (int64_t i = 0; i < batch.shape()[0]; i += 5)
      EXPECT_TRUE(jitted(row(batch, i)).array().same_bits(row(together, i).array())) << i << ": " << setting.name();
  }
}

TEST(SameBits, ASampleOfLeNetAloneAndInABatch) {
  const auto model = nn::init<models::LeNet>(Key(7));
  expect_same_alone([&](Tensor x_BCHW) { return model(x_BCHW); }, uniform(Key(1), {21, 1, 28, 28}, -1, 1).array());
}

TEST(SameBits, ASequenceOfAGptAloneAndInABatch) {
  models::Gpt model({.layers = 2, .width = 48, .heads = 3, .vocabulary = 101, .context = 40});
  nn::init(model, Key(7));
  auto logits = [&](Tensor ids_BT) {
    nn::Context context;
    return model(ids_BT, context);
  };
  expect_same_alone(logits, random_integers(Key(1), {11, 37}, 0, 101, DType::i64).array());
}

}  // namespace
}  // namespace strata
