// Files of the `tokenizers` library load; what we save loads again; broken and foreign files are refused with the
// reason.
#include <gtest/gtest.h>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/json/json.h"
#include "strata/text/bpe/trainer.h"
#include "strata/text/tokenizer_json/load.h"
#include "strata/text/tokenizer_json/save.h"

namespace strata::text {
namespace {

using base::Json;

const char* const kTrained = "tests/golden/tokenizer/trained.json";

Json golden() { return base::read_json(kTrained).value(); }

// The error of the golden file after a change, "none" if it still loads.
template <class F>
std::string error_after(F&& change) {
  Json file = golden();
  change(file);
  const auto loaded = parse_tokenizer(file.dump(), "t.json");
  return loaded ? "none" : std::string(loaded.error().code()) + " " + loaded.error().message();
}

Json& part(Json& object, std::string_view key) {
  for (auto& member : object.members()) {
    if (member.key == key) return member.value;
  }
  throw std::out_of_range(std::string(key));
}

TEST(TokenizerJson, SavedFileLoadsToTheSameTokenizer) {
  using namespace std::string_view_literals;
  const std::string_view text = "It's the theme: then <|endoftext|> the other \xFF\x00 bytes and the rest"sv;
  const Tokenizer made = train_bpe({&text, 1}, {.vocabulary_size = 280, .special_tokens = {"<|endoftext|>", "<\"\\>"}});
  const base::TempFolder folder("tokenizer");
  save_tokenizer(made, folder / "tokenizer.json");
  const Tokenizer loaded = load_tokenizer(folder / "tokenizer.json").value();
  EXPECT_EQ(loaded.parts().tokens, made.parts().tokens);
  EXPECT_EQ(loaded.parts().merges, made.parts().merges);
  EXPECT_EQ(loaded.parts().special_tokens, made.parts().special_tokens);
  EXPECT_EQ(loaded.encode(text), made.encode(text));
  EXPECT_EQ(tokenizer_json(loaded), tokenizer_json(made));
}

TEST(TokenizerJson, SavesWhatTheTokenizersLibrarySaves) {
  const Tokenizer loaded = load_tokenizer(kTrained).value();
  const Json ours = base::parse_json(tokenizer_json(loaded), "ours").value(), theirs = golden();
  for (const char* key : {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
                          "post_processor", "decoder"}) {
    EXPECT_EQ(ours.at(key).dump(), theirs.at(key).dump()) << key;
  }
  for (const auto& member : theirs.at("model").members()) {
    EXPECT_EQ(ours.at("model").at(member.key).size(), member.value.size()) << member.key;
    if (member.key == "vocab") continue;  // theirs is ordered by id as well, but that is not promised
    EXPECT_EQ(ours.at("model").at(member.key).dump(), member.value.dump()) << member.key;
  }
}

TEST(TokenizerJson, BothSpellingsOfMergesLoadAlike) {
  const Tokenizer pairs = load_tokenizer(kTrained).value();
  const Tokenizer joined = load_tokenizer("tests/golden/tokenizer/old_style.json").value();
  EXPECT_EQ(pairs.parts().merges, joined.parts().merges);
  EXPECT_EQ(pairs.parts().tokens, joined.parts().tokens);
}

TEST(TokenizerJson, EveryTruncationIsRefused) {
  const std::string text = base::read_text(kTrained).value();
  const std::size_t content = text.find_last_of('}') + 1;
  for (std::size_t bytes = 0; bytes < content; bytes += bytes + 40 < content ? 37 : 1) {
    ASSERT_FALSE(parse_tokenizer(std::string_view(text).substr(0, bytes), "cut").ok()) << bytes;
  }
}

TEST(TokenizerJson, DamagedBytesNeverMakeATokenizerThatLosesText) {
  const std::string text = base::read_text(kTrained).value();
  const std::string sample = "the thing that thinks <|endoftext|> \xFF";
  for (std::size_t at = 0; at < text.size(); at += 97) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 + at % 127));
    const auto loaded = parse_tokenizer(damaged, "damaged");
    if (!loaded) continue;
    EXPECT_EQ(loaded->decode(loaded->encode(sample)), sample) << at;
  }
}

TEST(TokenizerJson, NamesTheFieldThatIsMissingOrOfTheWrongType) {
  EXPECT_EQ(parse_tokenizer("", "t.json").error().code(), "E0004");
  EXPECT_EQ(parse_tokenizer("[]", "t.json").error().message(), "t.json: expected an object, found an array of 0 items");
  EXPECT_EQ(error_after([](Json& f) { part(f, "model") = nullptr; }),
            "E0610 t.json.model: expected an object, found null or nothing");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "model"), "vocab") = 3; }),
            "E0610 t.json.model.vocab: expected an object, found 3");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "model"), "merges") = "x"; }),
            "E0610 t.json.model.merges: expected an array, found \"x\"");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "model"), "merges").items()[2] = "no-space"; }),
            "E0610 t.json.model.merges[2]: expected \"left right\" or [\"left\", \"right\"], found \"no-space\"");
  EXPECT_EQ(
      error_after([](Json& f) { part(part(f, "model"), "merges").items()[1] = "a zzzzz"; }),
      "E0610 t.json.model.merges[1]: expected tokens of the vocabulary, which has no \"zzzzz\", found \"a zzzzz\"");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "model"), "vocab").members()[9].value = -1; }).substr(0, 5),
            "E0610");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "model"), "vocab").members()[9].value = 16000000; }).substr(0, 5),
            "E0610");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "model"), "vocab").members()[9].value = 10; }).substr(0, 5),
            "E0610");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "added_tokens").items()[0], "id") = 7; }).substr(0, 5), "E0610");
  EXPECT_EQ(error_after([](Json& f) {
              part(part(f, "model"), "vocab").members().erase(part(part(f, "model"), "vocab").members().begin() + 5);
            }).substr(0, 5),
            "E0614");
}

TEST(TokenizerJson, RefusesSettingsThatWouldEncodeDifferently) {
  const auto refused = [](auto&& change) { return error_after(change).substr(0, 5); };
  EXPECT_EQ(error_after([](Json& f) { part(f, "normalizer") = Json::object().set("type", "NFC"); }),
            "E0611 t.json.normalizer: supported is null, found an object of type \"NFC\"");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "pre_tokenizer"), "add_prefix_space") = true; }),
            "E0611 t.json.pre_tokenizer.add_prefix_space: supported is false, found true");
  EXPECT_EQ(error_after([](Json& f) { part(part(f, "model"), "type") = "WordPiece"; }),
            "E0611 t.json.model: supported is \"BPE\", found an object of type \"WordPiece\"");
  EXPECT_EQ(refused([](Json& f) { part(part(f, "pre_tokenizer"), "use_regex") = false; }), "E0611");
  EXPECT_EQ(refused([](Json& f) { part(f, "pre_tokenizer") = nullptr; }), "E0611");
  EXPECT_EQ(refused([](Json& f) { part(f, "decoder") = nullptr; }), "E0611");
  EXPECT_EQ(refused([](Json& f) { part(f, "post_processor") = Json::object().set("type", "TemplateProcessing"); }),
            "E0611");
  for (const char* flag : {"byte_fallback", "ignore_merges"}) {
    EXPECT_EQ(refused([&](Json& f) { part(part(f, "model"), flag) = true; }), "E0611") << flag;
  }
  EXPECT_EQ(refused([](Json& f) { part(part(f, "model"), "dropout") = 0.1; }), "E0611");
  EXPECT_EQ(refused([](Json& f) { part(part(f, "model"), "unk_token") = "<unk>"; }), "E0611");
  EXPECT_EQ(refused([](Json& f) { part(part(f, "added_tokens").items()[0], "lstrip") = true; }), "E0611");
  EXPECT_EQ(refused([](Json&) {}), "none");
}

TEST(TokenizerJson, MissingFileIsAnError) {
  EXPECT_EQ(load_tokenizer("tests/golden/tokenizer/nothing.json").error().code(), "E0001");
}

}  // namespace
}  // namespace strata::text
