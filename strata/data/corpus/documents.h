// A corpus in the making: documents of clean paragraphs, without what was said before, and their split into training
// and held-out text.
//
// Spelling: a paragraph is one line; an empty line ends a document.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/data/corpus/near_duplicates.h"

namespace strata::data {

struct Document {
  base::Hash128 hash;  ///< of its text: decides where it goes, whatever was added before
  std::string text;
};

struct SplitText {
  std::string train, held_out;
  uint64_t train_documents = 0, held_out_documents = 0;
};

class DocumentSet {
 public:
  /// Adds a document of the paragraphs that are prose and new; one that comes to under 100 bytes is left out.
  void add(const std::vector<std::string>& paragraphs);

  uint64_t bytes() const { return bytes_; }
  size_t size() const { return documents_.size(); }

  /// Orders the documents by hash and holds out the first: exactly `held_out_bytes`, for which the last of them is cut
  /// off and its rest goes nowhere. Throws E0651 when there isn't twice as much text.
  SplitText split(uint64_t held_out_bytes) &&;

 private:
  NearDuplicates said_;
  std::vector<Document> documents_;
  uint64_t bytes_ = 0;
};

}  // namespace strata::data
