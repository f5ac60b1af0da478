#include <gtest/gtest.h>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/data/loader/loader.h"
#include "strata/data/tokens/counting_tokens.h"
#include "strata/data/tokens/king_james.h"
#include "strata/data/tokens/token_file.h"
#include "strata/data/tokens/token_windows.h"
#include "strata/text/bpe/trainer.h"

namespace strata::data {
namespace {

const std::string kText = "the cat sat on the mat.\nthe dog sat on the log.\n\nthe mat is flat and the log is not.\n\n";

text::Tokenizer tokenizer(size_t vocabulary = 300) {
  const std::string_view chunk = kText;
  return text::train_bpe(std::span(&chunk, 1), {.vocabulary_size = vocabulary, .special_tokens = {"<|endoftext|>"}});
}

std::string code_of(const base::Result<TokenFile>& file) { return file ? "" : std::string(file.error().code()); }

struct Window {
  std::vector<int32_t> input, target;
};
Window read(const Dataset& dataset, int64_t index, Draw draw = {}) {
  const size_t size = dataset.fields()[0].shape[0];
  Window window{std::vector<int32_t>(size), std::vector<int32_t>(size)};
  std::byte* const places[] = {reinterpret_cast<std::byte*>(window.input.data()),
                               reinterpret_cast<std::byte*>(window.target.data())};
  dataset.read(index, draw, places);
  return window;
}

TEST(TokenFile, HoldsWhatTheTokenizerEncodes) {
  const base::TempFolder folder("tokens");
  const text::Tokenizer bpe = tokenizer();
  uint64_t done = 0;
  encode_text(kText, bpe, folder / "t", [&](EncodeProgress progress) { done = progress.done_bytes; });
  EXPECT_EQ(done, kText.size());
  const TokenFile file = TokenFile::open(folder / "t").value();
  std::vector<text::TokenId> ids;
  for (int64_t i = 0; i < file.size(); ++i) ids.push_back(file.at(i));
  EXPECT_EQ(bpe.decode(ids), kText);
  EXPECT_EQ(ids, bpe.encode(kText));
  EXPECT_EQ(file.text_bytes(), kText.size());
  EXPECT_EQ(file.vocabulary_size(), static_cast<int64_t>(bpe.vocabulary_size()));
  file.require_tokenizer(bpe);
  EXPECT_THROW(file.require_tokenizer(tokenizer(280)), base::Error);
}

TEST(TokenFile, TheThreadsOfThePoolChangeNothing) {
  const base::TempFolder folder("tokens");
  std::string text;
  while (text.size() < 3'000'000) text += kText;
  const text::Tokenizer bpe = tokenizer();
  encode_text(text, bpe, folder / "a");
  auto& pool = base::ThreadPool::shared();
  const int before = pool.thread_count();
  pool.set_thread_count(1);
  encode_text(text, bpe, folder / "b");
  pool.set_thread_count(before);
  EXPECT_EQ(base::read_text(folder / "a").value(), base::read_text(folder / "b").value());
}

TEST(TokenFile, DamagedFilesAreRefused) {
  const base::TempFolder folder("tokens");
  encode_text(kText, tokenizer(), folder / "t");
  const std::string whole = base::read_text(folder / "t").value();
  const auto open = [&](const std::string& bytes) {
    base::write_file(folder / "x", bytes);
    return code_of(TokenFile::open(folder / "x"));
  };
  EXPECT_EQ(open(whole), "");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_NE(open(whole.substr(0, size)), "") << size;
  EXPECT_EQ(open(whole + "x"), "E0640");
  for (size_t place = 0; place < whole.size(); place += 3) {
    std::string flipped = whole;
    flipped[place] ^= 1;
    EXPECT_NE(open(flipped), "") << place;
  }
  EXPECT_EQ(code_of(TokenFile::open(folder / "none")), "E0001");
}

TEST(RandomWindows, AreRunsOfTheTextAtEveryPlaceAlike) {
  const base::TempFolder folder("tokens");
  const auto tokens = counting_tokens(folder.path(), 20);
  const RandomWindows windows(tokens, 4);
  EXPECT_EQ(windows.size(), 4);
  std::vector<int> begun(16);
  for (int64_t epoch = 0; epoch < 4000; ++epoch) {
    const Window window = read(windows, epoch % 4, {.seed = 1, .epoch = epoch});
    for (int t = 0; t < 4; ++t) {
      ASSERT_EQ(window.input[t], window.input[0] + t);
      ASSERT_EQ(window.target[t], window.input[t] + 1);
    }
    ++begun.at(window.input[0]);
  }
  for (const int count : begun) EXPECT_NEAR(count, 250, 90);
  EXPECT_EQ(read(windows, 2, {.seed = 1, .epoch = 7}).input, read(windows, 2, {.seed = 1, .epoch = 7}).input);
  EXPECT_THROW(RandomWindows(tokens, 20), base::Error);
}

TEST(EvaluationWindows, CountEachTokenOnceWhateverTheStride) {
  const base::TempFolder folder("tokens");
  for (const int count : {2, 5, 20, 21, 23}) {
    const auto tokens = counting_tokens(folder.path(), count);
    for (const int64_t stride : {0, 1, 2, 3, 4, 5}) {
      for (const bool start : {false, true}) {
        EvaluationOptions options{.window = 5, .stride = stride};
        if (start) options.start_token = 999;
        const EvaluationWindows windows(tokens, options);
        std::vector<int> counted(count);
        for (int64_t i = 0; i < windows.size(); ++i) {
          const Window window = read(windows, i);
          for (size_t t = 0; t < 5; ++t) {
            if (window.target[t] == kIgnoredTarget) continue;
            ++counted.at(window.target[t]);
            EXPECT_EQ(window.input[t], window.target[t] == 0 ? 999 : window.target[t] - 1);
          }
        }
        for (int i = 0; i < count; ++i)
          EXPECT_EQ(counted[i], i == 0 && !start ? 0 : 1) << count << " " << stride << " " << i;
        EXPECT_EQ(windows.predicted(), count - 1 + start);
      }
    }
  }
}

TEST(EvaluationWindows, AStrideGivesEachTargetContext) {
  const base::TempFolder folder("tokens");
  const EvaluationWindows windows(counting_tokens(folder.path(), 50), {.window = 8, .stride = 2});
  for (int64_t i = 1; i < windows.size(); ++i) {
    const Window window = read(windows, i);
    for (size_t t = 0; t < 6; ++t) EXPECT_EQ(window.target[t], kIgnoredTarget);
  }
  EXPECT_THROW(EvaluationWindows(counting_tokens(folder.path(), 50), {.window = 8, .stride = 9}), base::Error);
  EXPECT_THROW(EvaluationWindows(counting_tokens(folder.path(), 1), {.window = 8}), base::Error);
}

TEST(TokenWindows, GoThroughALoaderAsBatches) {
  const base::TempFolder folder("tokens");
  const auto windows = std::make_shared<RandomWindows>(counting_tokens(folder.path(), 100), 8);
  Loader loader(windows, {.batch_size = 4, .order = Order::Sequential, .last_batch = LastBatch::Drop, .seed = 2});
  const auto batch = loader.next();
  EXPECT_EQ(batch->arrays[1].shape(), (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(batch->arrays[1].get_int(9), batch->arrays[0].get_int(9) + 1);
}

TEST(KingJames, DamagedFilesAreRefused) {
  const auto parse = [](const std::string& bytes) { return parse_king_james(std::as_bytes(std::span(bytes)), "x"); };
  EXPECT_FALSE(parse("").ok());
  EXPECT_FALSE(parse("EC02Compressed Data File").ok());
  std::string header = "EC02Compressed Data File" + std::string(60, '\0');
  EXPECT_FALSE(parse(header + std::string(8, '\xFF')).ok());
  // Two windows of which the second ends before it begins.
  EXPECT_FALSE(parse(header + std::string("\0\1\0\0\0\0\0\2\0\0\0\1\0\0\0\2\0\0\0\1", 20)).ok());
}

TEST(KingJames, LzwUnpacksWhatCompressPacked) {
  // "abababab": a, b, ab (257), aba (259), b, in 9-bit codes from the low bits on.
  std::string packed;
  uint32_t bits = 0;
  int filled = 0;
  for (const uint32_t code : {97u, 98u, 257u, 259u, 98u}) {
    bits |= code << filled;
    for (filled += 9; filled >= 8; filled -= 8, bits >>= 8) packed += static_cast<char>(bits);
  }
  packed += static_cast<char>(bits);
  EXPECT_EQ(unpack_lzw(std::as_bytes(std::span(packed)), 100, "x").value(), "abababab");
  EXPECT_EQ(unpack_lzw(std::as_bytes(std::span(packed)), 5, "x").error().code(), "E0600");
  const std::string undefined = "\xFF\xFF\xFF";
  EXPECT_FALSE(unpack_lzw(std::as_bytes(std::span(undefined)), 100, "x").ok());
}

TEST(KingJames, TheInstalledTextIsThePinnedOne) {
  std::string text;
  try {
    text = king_james_text();
  } catch (const base::Error& error) {
    if (error.code() != "E0634") throw;
    EXPECT_NE(error.text().find("bible-kjv-text"), std::string::npos);
    GTEST_SKIP() << error.text();
  }
  EXPECT_EQ(text.size(), 4404475u);
  EXPECT_NE(text.find("\nGe1:1 In the beginning God created the heaven and the earth.\n"), std::string::npos);
}

}  // namespace
}  // namespace strata::data
