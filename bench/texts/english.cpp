#include "bench/texts/english.h"

#include "strata/base/bytes/files.h"
#include "strata/data/corpus/corpus.h"
#include "strata/data/tokens/king_james.h"

namespace strata::bench {
namespace {

constexpr size_t kMostBytes = 8'000'000;
constexpr int kVersesPerDocument = 30;

std::string with_documents(const std::string& verses) {
  std::string text;
  int lines = 0;
  for (const char c : verses) {
    text += c;
    if (c == '\n' && ++lines % kVersesPerDocument == 0) text += '\n';
  }
  return text;
}

}  // namespace

EnglishText english_text() {
  if (auto corpus = base::read_text(data::cache_folder() + "/corpus/train.txt");
      corpus && corpus->size() > kMostBytes) {
    corpus->resize(corpus->rfind("\n\n", kMostBytes) + 2);
    return {"Debian's manuals", std::move(*corpus)};
  }
  return {"the King James Bible", with_documents(data::king_james_text())};
}

}  // namespace strata::bench
