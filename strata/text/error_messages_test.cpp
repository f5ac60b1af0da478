// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include "strata/base/error/message_of.h"
#include "strata/text/bpe/word_merger.h"

namespace strata::text {
namespace {

TEST(ErrorMessages, E0616NamesTheWordsSize) {
  const MergeTable merges;
  const std::array<TokenId, 256> bytes{};
  WordMerger merger(merges, bytes);
  // Only its size is looked at: no byte behind the first is there.
  EXPECT_EQ(base::message_of([&] { merger.merge(std::string_view("x", size_t{1} << 32)); }),
            "error[E0616]: encode: a word of 4294967296 bytes, at most 4294967294");
}

}  // namespace
}  // namespace strata::text
