// The promise of one program, one result: LeNet's parameters after 50 steps are the same on any number of threads and
// at every instruction set level that the host can run.
#include <gtest/gtest.h>

#include "strata/base/bytes/temp_folder.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/runtime/machine/isa_level.h"
#include "strata/train/made_up_images.h"
#include "strata/train/schema.h"
#include "strata/train/task.h"

namespace strata::train {
namespace {

struct Setting {
  int threads;
  runtime::IsaLevel isa;
};

Snapshot trained(const base::Config& config, Setting setting) {
  base::ThreadPool::shared().set_thread_count(setting.threads);
  runtime::force_isa_level(setting.isa);
  const auto task = make_task(config);
  for (int i = 0; i < 50; ++i) task->step(i / 50.0);
  Snapshot snapshot;
  task->save(snapshot);
  return snapshot;
}

TEST(SameBitsSlow, LeNetAfterFiftyStepsOnEveryLevelAndThreadCount) {
  const base::TempFolder folder;
  write_made_up_data_set(folder.path());
  const base::Config config =
      base::parse_config(training_schema(), "", "test",
                         std::vector<std::string>{"data.path=" + folder.path(), "data.validation=20", "train.batch=64",
                                                  "train.epochs=30"});
  const Snapshot first = trained(config, {1, runtime::IsaLevel::Scalar});
  for (runtime::IsaLevel isa : runtime::kAllIsaLevels)
    for (int threads : {1, 2, 3}) {
      if (!runtime::host_can_run(isa)) continue;
      const Snapshot other = trained(config, {threads, isa});
      for (const auto& [name, array] : first.tensors)
        EXPECT_TRUE(array.same_bits(other.tensors.at(name)))
            << name << ", " << threads << " threads, " << runtime::isa_level_name(isa);
    }
  runtime::force_isa_level(std::nullopt);
  base::ThreadPool::shared().set_thread_count(0);
}

}  // namespace
}  // namespace strata::train
