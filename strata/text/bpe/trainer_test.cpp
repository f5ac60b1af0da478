// Training against the merges that the `tokenizers` library learned (tests/golden/tokenizer/training.json), and against
// a trainer that recounts everything before each merge.
#include "strata/text/bpe/trainer.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "strata/base/json/json.h"
#include "strata/text/bpe/byte_alphabet.h"
#include "strata/text/pretokenize/gpt2_split.h"

namespace strata::text {
namespace {

using base::Json;

std::vector<std::string> strings(const Json& array) {
  std::vector<std::string> list;
  for (const Json& item : array.items()) list.push_back(item.as_string());
  return list;
}

Tokenizer train(const std::vector<std::string>& chunks, TrainBpeOptions options) {
  std::vector<std::string_view> views(chunks.begin(), chunks.end());
  return train_bpe(views, std::move(options));
}

TEST(BpeTrainer, LearnsTheMergesThatTheTokenizersLibraryLearns) {
  const Json cases = base::read_json("tests/golden/tokenizer/training.json").value();
  ASSERT_GT(cases.size(), 10u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    const Json& golden = cases.at(i);
    const auto specials = strings(golden.at("special_tokens"));
    const Tokenizer tokenizer =
        train(strings(golden.at("chunks")),
              {.vocabulary_size = static_cast<std::size_t>(golden.at("vocabulary_size").as_int()),
               .special_tokens = specials,
               .min_frequency = static_cast<std::uint64_t>(golden.at("min_frequency").as_int())});
    std::vector<std::vector<std::string>> merges, expected;
    for (const Merge& merge : tokenizer.parts().merges) {
      merges.push_back({spell_bytes(tokenizer.bytes(merge.left)), spell_bytes(tokenizer.bytes(merge.right))});
    }
    for (const Json& merge : golden.at("merges").items()) expected.push_back(strings(merge));
    EXPECT_EQ(merges, expected);
    std::vector<std::string> learned;
    for (std::size_t id = specials.size() + 256; id < tokenizer.vocabulary_size(); ++id) {
      learned.push_back(spell_bytes(tokenizer.bytes(id)));
    }
    EXPECT_EQ(learned, strings(golden.at("tokens")));
  }
}

// Recounts all pairs before each merge; ids as in the trainer.
std::vector<Merge> merges_by_recounting(const std::vector<std::string>& chunks, std::size_t vocabulary_size) {
  std::map<std::string, TokenId> ids;
  for (std::uint8_t byte : bytes_in_spelling_order()) ids.emplace(std::string(1, static_cast<char>(byte)), ids.size());
  std::vector<std::string> tokens(256);
  for (const auto& [bytes, id] : ids) tokens[id] = bytes;
  std::vector<std::vector<TokenId>> words;
  for (const std::string& chunk : chunks) {
    Gpt2Splitter splitter(chunk);
    for (std::string_view word; splitter.next(word);) {
      words.emplace_back();
      for (char byte : word) words.back().push_back(ids.at(std::string(1, byte)));
    }
  }
  std::vector<Merge> merges;
  std::map<std::pair<TokenId, TokenId>, bool> done;
  while (tokens.size() < vocabulary_size) {
    std::map<std::pair<TokenId, TokenId>, std::int64_t> counts;
    for (const auto& word : words) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) ++counts[{word[i], word[i + 1]}];
    }
    if (counts.empty()) break;
    const auto best = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });  // first wins
    const auto [left, right] = best->first;
    const auto [found, fresh] = ids.emplace(tokens[left] + tokens[right], tokens.size());
    if (fresh) tokens.push_back(found->first);
    if (!std::exchange(done[best->first], true)) merges.push_back({left, right, found->second});
    for (auto& word : words) {
      std::vector<TokenId> merged;
      for (std::size_t i = 0; i < word.size(); ++i) {
        const bool match = i + 1 < word.size() && word[i] == left && word[i + 1] == right;
        merged.push_back(match ? found->second : word[i]);
        if (match) ++i;
      }
      word = merged;
    }
  }
  return merges;
}

TEST(BpeTrainer, EqualsRecountingOnRandomCorporaFullOfTies) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 150; ++trial) {
    std::vector<std::string> chunks(1 + random() % 3);
    const int letters = 1 + random() % 4;
    for (std::string& chunk : chunks) {
      for (int left = random() % 120; left > 0; --left) {
        chunk += random() % 6 ? static_cast<char>('a' + random() % letters) : ' ';
      }
    }
    const std::size_t size = 256 + random() % 60;
    ASSERT_EQ(train(chunks, {.vocabulary_size = size}).parts().merges, merges_by_recounting(chunks, size)) << trial;
  }
}

TEST(BpeTrainer, VocabularyOf256HasTheBytesAndNothingElse) {
  const Tokenizer tokenizer = train({"some text some text"}, {.vocabulary_size = 256});
  EXPECT_EQ(tokenizer.vocabulary_size(), 256u);
  EXPECT_TRUE(tokenizer.parts().merges.empty());
  EXPECT_EQ(tokenizer.encode("some").size(), 4u);
}

TEST(BpeTrainer, EmptyCorpusGivesTheBytes) {
  EXPECT_EQ(train({}, {.vocabulary_size = 1000}).vocabulary_size(), 256u);
  EXPECT_EQ(train({"", ""}, {.vocabulary_size = 1000}).vocabulary_size(), 256u);
}

TEST(BpeTrainer, RefusesAVocabularyThatCantHoldBytesAndSpecialTokens) {
  const auto code = [](TrainBpeOptions options) {
    try {
      BpeTrainer trainer(std::move(options));
    } catch (const base::Error& error) {
      return std::string(error.code());
    }
    return std::string("none");
  };
  EXPECT_EQ(code({.vocabulary_size = 255}), "E0612");
  EXPECT_EQ(code({.vocabulary_size = 256, .special_tokens = {"<a>"}}), "E0612");
  EXPECT_EQ(code({.vocabulary_size = std::size_t{1} << 25}), "E0612");
  EXPECT_EQ(code({.vocabulary_size = 300, .special_tokens = {""}}), "E0615");
  EXPECT_EQ(code({.vocabulary_size = 300, .special_tokens = {"<a>", "<a>"}}), "E0615");
  EXPECT_EQ(code({.vocabulary_size = 300, .special_tokens = {"\xFF"}}), "E0615");
  EXPECT_EQ(code({.vocabulary_size = 257, .special_tokens = {"<a>"}}), "none");
}

TEST(BpeTrainer, LearnsNothingFromSpecialTokens) {
  const Tokenizer tokenizer =
      train({"<|end|><|end|><|end|>x<|end|>"}, {.vocabulary_size = 400, .special_tokens = {"<|end|>"}});
  EXPECT_TRUE(tokenizer.parts().merges.empty());
  EXPECT_EQ(tokenizer.encode("<|end|>"), std::vector<TokenId>{0});
}

TEST(BpeTrainer, NeverMakesATokenThatSpellsASpecialOne) {
  const Tokenizer tokenizer = train({"thx thx thx thy"}, {.vocabulary_size = 400, .special_tokens = {"th"}});
  for (std::size_t id = 1; id < tokenizer.vocabulary_size(); ++id) {
    EXPECT_NE(tokenizer.bytes(id), "th");
  }
}

TEST(BpeTrainer, SplittingTheCorpusAtWordEndsChangesNothing) {
  const std::string text = "one two three two one two three three and one more time one two";
  const Tokenizer whole = train({text}, {.vocabulary_size = 300});
  const Tokenizer parts = train({text.substr(0, 13), text.substr(13)}, {.vocabulary_size = 300});
  EXPECT_EQ(text[13], ' ');
  EXPECT_EQ(whole.parts().merges, parts.parts().merges);
}

TEST(BpeTrainer, OneEndlessWordTrainsInReasonableTime) {
  std::mt19937 random(5);
  std::string word(400'000, 'a');
  for (char& c : word) c = static_cast<char>('a' + random() % 4);
  const Tokenizer tokenizer = train({word}, {.vocabulary_size = 2000});
  EXPECT_EQ(tokenizer.vocabulary_size(), 2000u);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(word)), word);
}

TEST(BpeTrainer, ReportsProgress) {
  std::uint64_t bytes = 0, last = 0;
  TrainBpeOptions options{.vocabulary_size = 1200};
  options.progress = [&](const TrainProgress& progress) {
    if (progress.phase == TrainProgress::Phase::CountingWords) bytes = progress.done;
    if (progress.phase == TrainProgress::Phase::Merging) last = progress.done;
  };
  std::mt19937 random(5);
  std::string text(20'000, 'a');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  train({text, text}, options);
  EXPECT_EQ(bytes, 2 * text.size());
  EXPECT_GT(last, 0u);
}

}  // namespace
}  // namespace strata::text
