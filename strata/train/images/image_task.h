// LeNet-5 on Fashion-MNIST, or on other images of 28 x 28 in the same files.
#pragma once

#include "strata/train/task.h"

namespace strata::train {

std::unique_ptr<Task> make_image_task(const base::Config& config);

}  // namespace strata::train
