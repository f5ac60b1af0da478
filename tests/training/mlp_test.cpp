// The training program of a user, as short as it should be, and what a run promises: it resumes bit for bit from what
// it saved.
#include <gtest/gtest.h>

#include <cmath>

#include "strata/base/bytes/temp_folder.h"
#include "strata/nn/linear.h"
#include "strata/nn/loss.h"
#include "strata/nn/state_dict.h"
#include "strata/ops/elementwise/activations.h"
#include "strata/ops/shape/shape.h"
#include "strata/optim/rules.h"
#include "strata/optim/schedule.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"

using namespace strata;

namespace {

struct Mlp {
  nn::Linear hidden{6, 16}, out{16, 3};
  STRATA_FIELDS(hidden, out)
  Tensor operator()(Tensor x_BD) const { return out(relu(hidden(x_BD))); }
};

/// What a run saves.
struct State {
  Mlp model;
  optim::Optimiser optimiser;
  STRATA_FIELDS(model, optimiser)
};

State start(uint64_t seed) {
  auto model = nn::init<Mlp>(Key{seed});
  auto adam = optim::AdamW{.lr = 1e-2}.start(model);
  return {model, adam};
}

auto make_step() {
  return jit([](Mlp& m, auto& opt, Tensor x_BD, Tensor y_B) {
    auto [loss, grads] = value_and_grad([&](const Mlp& m) { return nn::cross_entropy(m(x_BD), y_B); }, m);
    opt.set_lr(optim::warmup(3, 1e-2).then(optim::cosine(1e-2, 1e-3, 20))(opt.step()));
    opt.update(m, grads, loss);
    return loss;
  });
}

template <class Step>
double run(Step& step, State& s, int first, int last) {
  double loss = 0;
  for (int i = first; i < last; ++i) {
    const Key key = Key{3}.fold_in(i);
    const Tensor y_B = random_integers(key, {8}, 0, 3);
    const Tensor x_BD = normal(key.fold_in("x"), {8, 6}) + expand_dims(cast(y_B, DType::f32), 1);
    loss = step(s.model, s.optimiser, x_BD, y_B).item();
  }
  return loss;
}

bool same_bits(State& a, State& b) {
  const Leaves x = leaves_of(a), y = leaves_of(b);
  bool is_same = x.list.size() == y.list.size();
  for (size_t i = 0; is_same && i < x.list.size(); ++i)
    is_same = x.list[i].tensor().array().same_bits(y.list[i].tensor().array());
  return is_same;
}

TEST(Mlp, AResumedRunContinuesBitForBit) {
  const base::TempFolder folder;
  auto step = make_step();
  State whole = start(0), first = start(0), resumed = start(1);
  run(step, whole, 0, 10);
  run(step, first, 0, 6);
  save_safetensors(folder / "state.safetensors", first);
  load_safetensors(folder / "state.safetensors", resumed);
  EXPECT_FALSE(same_bits(resumed, whole));
  run(step, resumed, 6, 10);
  EXPECT_TRUE(same_bits(resumed, whole));
  EXPECT_EQ(step.recordings(), 1) << "the rate, the state and the parameters are inputs";
}

TEST(Mlp, ABatchOfAnotherSizeRunsTheSameProgram) {
  auto step = make_step();
  State s = start(0);
  for (int64_t rows : {8, 3, 1}) step(s.model, s.optimiser, Tensor::ones({rows, 6}), Tensor::zeros({rows}, DType::i32));
  EXPECT_EQ(step.recordings(), 1);
}

TEST(Mlp, ANanInTheDataLeavesParametersAndStateAsTheyWere) {
  auto step = make_step();
  State s = start(0), before = start(0);
  run(step, s, 0, 2);
  run(step, before, 0, 2);
  step(s.model, s.optimiser, Tensor::full({8, 6}, std::nan("")), Tensor::zeros({8}, DType::i32));
  s.optimiser.set_lr(1e-2);
  before.optimiser.set_lr(1e-2);
  const Leaves a = leaves_of(s), b = leaves_of(before);
  for (size_t i = 0; i < a.list.size(); ++i)
    if (a.list[i].paths[0] != "optimiser.grad_norm") {
      EXPECT_TRUE(a.list[i].tensor().array().same_bits(b.list[i].tensor().array())) << a.list[i].paths[0];
    }
}

}  // namespace
