// What both sides of the comparison with PyTorch start from: a configuration's weights and batches.
//
// tools/golden/parity.py takes weights from `strata init` and batches from `strata data`; parity_export adds the
// windows that Task::evaluate() looks at, and the hash below. The golden files keep the hash, so that a changed
// initialiser, tokenizer or loader is told apart from wrong arithmetic.
#pragma once

#include <string>
#include <vector>

#include "strata/formats/safetensors/writer.h"
#include "strata/train/open_task.h"

namespace strata::parity {

inline constexpr const char* kFolder = "tests/parity/";

/// Steps that are taken from a configuration: of a GPT all, else 20.
int64_t steps_of(const train::OpenedTask& opened);

/// "x.0", "y.0", ...: the batches in whose mean loss evaluate() results; none for images.
std::vector<formats::NamedArray> validation_batches(const base::Config& config);

/// SHA-256 over the names and bytes of weights, batches and validation batches.
std::string inputs_sha256(const train::OpenedTask& opened);

}  // namespace strata::parity
