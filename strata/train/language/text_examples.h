// Texts as the data of a supervised task: windows of tokens, each token to be answered by the next one.
//
// Bits per byte: all tokens of the held-out text are predicted once, the first from the end-of-text token, through
// windows of the model's context that overlap by half, so that each token but the first has at least half a context of
// left neighbours.
#pragma once

#include "strata/text/bpe/tokenizer.h"
#include "strata/train/task.h"

namespace strata::train {

/// Throws E0709 unless the snapshot's run had this tokenizer.
void require_tokenizer(const Snapshot& snapshot, const text::Tokenizer& tokenizer);

}  // namespace strata::train
