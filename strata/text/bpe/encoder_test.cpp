// Encoding against golden tokens of the `tokenizers` library, against merging by the definition, and exact round trips.
#include "strata/text/bpe/encoder.h"

#include <gtest/gtest.h>

#include <random>

#include "strata/base/json/json.h"
#include "strata/text/bpe/trainer.h"
#include "strata/text/pretokenize/gpt2_split.h"
#include "strata/text/tokenizer_json/load.h"

namespace strata::text {
namespace {

using Ids = std::vector<TokenId>;

Tokenizer golden_tokenizer() { return load_tokenizer("tests/golden/tokenizer/trained.json").value(); }

// One merge at a time, by scanning the whole list of merges: what encoding means.
Ids merged_by_definition(const Tokenizer& tokenizer, std::string_view word) {
  Ids ids;
  for (char byte : word) ids.push_back(tokenizer.byte_tokens()[static_cast<std::uint8_t>(byte)]);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Merge& merge : tokenizer.parts().merges) {
      for (std::size_t i = 0; i + 1 < ids.size() && !changed; ++i) {
        if (ids[i] != merge.left || ids[i + 1] != merge.right) continue;
        ids[i] = merge.result;
        ids.erase(ids.begin() + i + 1);
        changed = true;
      }
      if (changed) break;
    }
  }
  return ids;
}

Tokenizer few_letter_tokenizer() {
  std::mt19937 random(9);
  std::string text(3000, ' ');
  for (char& c : text) c = random() % 7 ? static_cast<char>('a' + random() % 3) : ' ';
  const std::string_view chunk = text;
  return train_bpe({&chunk, 1}, {.vocabulary_size = 400});
}

TEST(Encoder, GivesTheTokensOfTheTokenizersLibrary) {
  const Tokenizer tokenizer = golden_tokenizer();
  const base::Json cases = base::read_json("tests/golden/tokenizer/encodings.json").value();
  ASSERT_GT(cases.size(), 100u);
  Encoder encoder(tokenizer);
  for (const base::Json& golden : cases.items()) {
    Ids ids, expected;
    encoder.encode(golden.at("text").as_string(), ids);
    for (const base::Json& id : golden.at("ids").items()) expected.push_back(id.as_int());
    EXPECT_EQ(ids, expected) << golden.at("text").dump();
    EXPECT_EQ(tokenizer.decode(ids), golden.at("text").as_string());
  }
}

TEST(Encoder, MergesShortAndLongWordsAsDefined) {
  const Tokenizer tokenizer = few_letter_tokenizer();
  std::mt19937 random(2);
  const std::size_t limit = WordMerger::kShortBytes;
  for (std::size_t bytes : {1ul, 2ul, 3ul, 7ul, 8ul, 9ul, 15ul, 16ul, limit - 1, limit, limit + 1, 200ul}) {
    for (int trial = 0; trial < 20; ++trial) {
      std::string word(bytes, 'a');
      for (char& c : word) c = static_cast<char>('a' + random() % (trial % 3 + 1));
      ASSERT_EQ(tokenizer.encode(word), merged_by_definition(tokenizer, word)) << word;
    }
  }
}

TEST(Encoder, EveryByteStringRoundTrips) {
  const Tokenizer tokenizer = golden_tokenizer();
  Encoder encoder(tokenizer);
  std::mt19937 random(4);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string bytes(random() % 64, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    Ids ids;
    encoder.encode(bytes, ids);
    ASSERT_EQ(tokenizer.decode(ids), bytes);
  }
  EXPECT_EQ(tokenizer.encode(""), Ids{});
}

// Many more distinct words than cache slots, so slots are grown, filled and replaced.
TEST(Encoder, AFullCacheChangesNoTokens) {
  const Tokenizer tokenizer = few_letter_tokenizer();
  Encoder warm(tokenizer);
  std::mt19937 random(8);
  Ids ids, expected;
  for (int trial = 0; trial < 150'000; ++trial) {
    std::string word(1 + random() % 15, 'a');
    for (char& c : word) c = static_cast<char>('a' + random() % 5);
    ids.clear();
    warm.encode(word, ids);
    if (trial % 10 != 0) continue;
    WordMerger merger(tokenizer.merge_table(), tokenizer.byte_tokens());
    const auto tokens = merger.merge(word);
    ASSERT_EQ(ids, Ids(tokens.begin(), tokens.end())) << word;
  }
}

TEST(Encoder, ReadsNothingBeyondTheText) {
  const Tokenizer tokenizer = golden_tokenizer();
  for (std::size_t bytes = 1; bytes < 40; ++bytes) {
    const std::vector<char> exact(bytes, 't');  // the address sanitizer guards its end
    EXPECT_EQ(tokenizer.decode(tokenizer.encode({exact.data(), bytes})), std::string(bytes, 't'));
  }
}

TEST(Encoder, AppendsAndForgetsNothingBetweenTexts) {
  const Tokenizer tokenizer = golden_tokenizer();
  Encoder encoder(tokenizer);
  Ids ids;
  encoder.encode("the thing", ids);
  const Ids first = ids;
  encoder.encode("the thing", ids);
  EXPECT_EQ(ids.size(), 2 * first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), ids.begin() + first.size()));
}

TEST(Tokenizer, CutsTheLongestSpecialTokenFirst) {
  TokenizerParts parts = few_letter_tokenizer().parts();
  const TokenId next = parts.tokens.size();
  parts.tokens.resize(next + 3);
  parts.special_tokens = {{"<a", next}, {"<a><b", next + 1}, {"b", next + 2, false, true}};
  parts.tokens['b' - '!'] = "";  // "b" is a special token here, so its byte must come from it
  EXPECT_EQ(Tokenizer::make(parts).error().code(), "E0614");
  parts.tokens['b' - '!'] = "b";
  parts.special_tokens[2] = {"bx", next + 2, false, true};
  const Tokenizer tokenizer = Tokenizer::make(parts).value();
  EXPECT_EQ(tokenizer.encode("<a><b<a>"), (Ids{next + 1, next, '>' - '!'}));
  EXPECT_EQ(tokenizer.encode("<a><bx"),
            (Ids{next + 1, 'x' - '!'}));  // the first pass takes its match before the second
  EXPECT_EQ(tokenizer.encode("bx"), Ids{next + 2});
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("<abx>"), SpecialOutput::Skip), "bx>");
  EXPECT_EQ(tokenizer.special_id("<a"), next);
  EXPECT_FALSE(tokenizer.special_id("nothing").has_value());
}

TEST(Tokenizer, DecodingAnIdOutsideTheVocabularyIsAnError) {
  const Tokenizer tokenizer = golden_tokenizer();
  const Ids ids = {0, static_cast<TokenId>(tokenizer.vocabulary_size())};
  try {
    tokenizer.decode(ids);
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0613");
  }
}

TEST(Tokenizer, RefusesPartsThatContradictEachOther) {
  const TokenizerParts good = few_letter_tokenizer().parts();
  const auto code = [&](auto&& change) {
    TokenizerParts parts = good;
    change(parts);
    const auto made = Tokenizer::make(std::move(parts));
    return made ? "none" : std::string(made.error().code());
  };
  EXPECT_EQ(code([](TokenizerParts&) {}), "none");
  EXPECT_EQ(code([](TokenizerParts& p) { p.tokens[7].clear(); }), "E0614");
  EXPECT_EQ(code([](TokenizerParts& p) { p.tokens.push_back("a"); }), "E0614");
  EXPECT_EQ(code([](TokenizerParts& p) { p.merges[0].right = 1 << 20; }), "E0614");
  EXPECT_EQ(code([](TokenizerParts& p) { p.merges[0].result = 3; }), "E0614");
  EXPECT_EQ(code([](TokenizerParts& p) { p.special_tokens = {{"<x>", 100000}}; }), "E0615");
  EXPECT_EQ(code([](TokenizerParts& p) { p.special_tokens = {{"<x>", 5}}; }), "E0615");
  EXPECT_EQ(code([](TokenizerParts& p) {
              p.tokens.emplace_back();
              p.special_tokens = {{"a", static_cast<TokenId>(p.tokens.size() - 1)}};
            }),
            "E0615");
}

}  // namespace
}  // namespace strata::text
