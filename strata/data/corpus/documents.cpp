#include "strata/data/corpus/documents.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/data/corpus/prose.h"

namespace strata::data {

void DocumentSet::add(const std::vector<std::string>& paragraphs) {
  constexpr size_t kLeastBytes = 100;
  std::string text;
  for (const std::string& paragraph : paragraphs) {
    const auto clean = prose(paragraph);
    if (!clean || said_.seen(*clean)) continue;
    text += *clean;
    text += '\n';
  }
  if (text.size() < kLeastBytes) return;
  text += '\n';
  bytes_ += text.size();
  documents_.push_back({base::hash_text(text), std::move(text)});
}

SplitText DocumentSet::split(uint64_t held_out_bytes) && {
  if (bytes_ < 2 * held_out_bytes)
    throw base::Error(base::code::kCorpusFailed,
                      fmt::format("corpus: {} bytes of text in {} documents, too little to hold out {}", bytes_,
                                  documents_.size(), held_out_bytes));
  std::sort(documents_.begin(), documents_.end(),
            [](const Document& a, const Document& b) { return a.hash != b.hash ? a.hash < b.hash : a.text < b.text; });
  SplitText split;
  split.train.reserve(bytes_);
  for (const Document& document : documents_) {
    const uint64_t room = held_out_bytes - split.held_out.size();
    if (room > 0) {
      split.held_out += document.text.substr(0, room);
      ++split.held_out_documents;
    } else {
      split.train += document.text;
      ++split.train_documents;
    }
  }
  return split;
}

}  // namespace strata::data
