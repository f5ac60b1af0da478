// From a budget of seconds to a number of steps. The length of a run and its learning rates are functions of the step
// alone, so a clock may only be looked at before the first one: what a step takes is measured on steps that are then
// taken back.
#pragma once

#include <functional>

#include "strata/optim/schedule.h"
#include "strata/train/task.h"

namespace strata::train {

/// How many steps of this task fit into `seconds`, at least 1 and at most `most`. Takes about a twentieth of the time,
/// 3 s at most but five steps at least, and leaves the task as it was. Compiling, which the first step does, is not
/// counted; nor are evaluations. `clock` gives seconds.
int64_t steps_within(double seconds, int64_t most, Task& task, const optim::Schedule& learning_rates,
                     const std::function<double()>& clock);

}  // namespace strata::train
