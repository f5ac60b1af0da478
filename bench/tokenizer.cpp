// Times training and encoding with a byte-level BPE tokenizer on one thread; prints one JSON object.
//
//   bench_tokenizer TEXT VOCABULARY TOKENIZER_OUT [TRIALS]
//
// TEXT holds documents separated by empty lines. TOKENIZER_OUT receives the tokenizer.json, with which
// bench/tokenizer_peer.py checks that the `tokenizers` library gets the same tokens (compare `tokens` and `checksum`).
#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <optional>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/text/bpe/encoder.h"
#include "strata/text/bpe/trainer.h"
#include "strata/text/tokenizer_json/save.h"

namespace {

using strata::text::TokenId;
using strata::text::Tokenizer;

std::vector<std::string_view> split_documents(std::string_view text) {
  std::vector<std::string_view> documents;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t gap = text.find("\n\n", at);
    const std::size_t end = gap == std::string_view::npos ? text.size() : gap + 2;
    documents.push_back(text.substr(at, end - at));
    at = end;
  }
  return documents;
}

// CPU seconds of the process: with one thread, what the work costs, whoever else is on the machine.
template <class F>
double seconds(F&& f) {
  const std::clock_t start = std::clock();
  f();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Order-dependent sum of the tokens, the same in bench/tokenizer_peer.py.
std::uint64_t checksum(const std::vector<TokenId>& ids) {
  std::uint64_t sum = 0;
  for (TokenId id : ids) sum = (sum * 31 + id) & 0xFFFFFFFF;
  return sum;
}

void run(const char* path, std::size_t vocabulary, const char* out_path, int trials) {
  const std::string text = strata::base::read_text(path).value();
  const std::vector<std::string_view> documents = split_documents(text);
  std::string train_s, encode_s, encode_documents_s;
  std::vector<TokenId> whole, pieces;
  for (int trial = 0; trial < trials; ++trial) {
    const char* comma = trial ? ", " : "";
    std::optional<Tokenizer> tokenizer;
    train_s +=
        fmt::format("{}{:.4f}", comma,
                    seconds([&] { tokenizer = strata::text::train_bpe(documents, {.vocabulary_size = vocabulary}); }));
    whole.clear(), pieces.clear();
    encode_s += fmt::format("{}{:.4f}", comma, seconds([&] { whole = tokenizer->encode(text); }));
    encode_documents_s += fmt::format("{}{:.4f}", comma, seconds([&] {
                                        strata::text::Encoder encoder(*tokenizer);
                                        for (std::string_view document : documents) encoder.encode(document, pieces);
                                      }));
    if (trial == 0) strata::base::write_file(out_path, strata::text::tokenizer_json(*tokenizer));
    if (tokenizer->decode(whole) != text) throw strata::base::Error("E0614", "bench: decoded text differs");
  }
  fmt::print(
      "{{\"bytes\": {}, \"documents\": {}, \"tokens\": {}, \"checksum\": {}, \"train_s\": [{}], \"encode_s\": [{}], "
      "\"encode_documents_s\": [{}]}}\n",
      text.size(), documents.size(), pieces.size(), checksum(pieces), train_s, encode_s, encode_documents_s);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: bench_tokenizer TEXT VOCABULARY TOKENIZER_OUT [TRIALS]\n");
    return 1;
  }
  try {
    run(argv[1], std::strtoul(argv[2], nullptr, 10), argv[3], argc > 4 ? std::atoi(argv[4]) : 1);
  } catch (const strata::base::Error& error) {
    fmt::print(stderr, "{}\n", error.text());
    return strata::base::exit_code(error.kind());
  }
  return 0;
}
