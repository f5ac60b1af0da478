// Checkpoints: a snapshot as one safetensors file, replaced atomically, so that a kill at any moment leaves the last
// good one. Its metadata hold the facts, and a checksum of facts and tensors: a disk that loses bits, or a hand that
// edits, is noticed before a training goes on from it.
#pragma once

#include <string>

#include "strata/train/task.h"

namespace strata::train {

/// Throws E0002 (full disk, unwritable folder); the old checkpoint then still stands.
void save_checkpoint(const std::string& path, const Snapshot& snapshot);

/// Throws E0001, E0630 (malformed), E0703 (not a checkpoint of this program, or damaged).
Snapshot load_checkpoint(const std::string& path);

}  // namespace strata::train
