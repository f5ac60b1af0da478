#include "strata/base/config/config.h"

#include <gtest/gtest.h>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"

namespace strata::base {
namespace {

Schema test_schema() {
  return Schema(
      {{string_key("name", "run", "name of the run")},
       {int_key("train.steps", 1000, "optimiser steps").at_least(1),
        bool_key("train.strict", false, "refusals are errors"),
        float_key("optim.lr", 1e-3, "peak learning rate").between(0, 10),
        choice_key("optim.name", "adamw", {"sgd", "adamw"}, "the optimiser")},
       {ints_key("model.dims", {64, 10}, "widths").at_least(1), floats_key("optim.betas", {0.9, 0.999}, "a|b"),
        strings_key("data.files", {}, "files"), int_key("model.head.width", 3, "width")}});
}

Config parse(std::string_view text, std::vector<std::string> overrides = {}) {
  return parse_config(test_schema(), text, "a.toml", overrides);
}

/// "<code> <message> <hints>" of what parsing throws.
std::string refusal(std::string_view text, std::vector<std::string> overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const Error& error) {
    std::string all = std::string(error.code()) + " " + error.message();
    for (const std::string& hint : error.hints()) all += " | " + hint;
    return all;
  }
  return "accepted";
}

TEST(Config, DefaultsThenFileThenOverrides) {
  const Config config = parse("name = 'x'\n[train]\nsteps = 5\n[optim]\nlr = 1\n", {"train.steps=7", "optim.name=sgd"});
  EXPECT_EQ(config.string_at("name"), "x");
  EXPECT_EQ(config.int_at("train.steps"), 7);
  EXPECT_EQ(config.float_at("optim.lr"), 1.0);
  EXPECT_EQ(config.string_at("optim.name"), "sgd");
  EXPECT_EQ(config.ints_at("model.dims"), (std::vector<int64_t>{64, 10}));
  EXPECT_FALSE(config.bool_at("train.strict"));
  EXPECT_EQ(config.origin_of("name"), "a.toml:1");
  EXPECT_EQ(config.origin_of("train.steps"), "--set train.steps=7");
  EXPECT_EQ(config.origin_of("model.dims"), "default");
}

TEST(Config, KeysThatNestDeeplyAreRefusedBeforeTheStackIsShort) {
  std::string key = "a";
  for (int i = 0; i < 40000; ++i) key += ".a";
  EXPECT_EQ(refusal("\n" + key + " = 1\n"), "E0009 a.toml:2: a key of more than 16 parts");
  EXPECT_EQ(refusal("[" + key + "]\n").substr(0, 5), "E0009");
  EXPECT_EQ(refusal("x = {" + key + " = 1}\n").substr(0, 5), "E0009");
  EXPECT_EQ(refusal("", {"optim.lr={" + key + "=1}"}).substr(0, 5), "E0007");
  std::string quoted = "\"a\"";
  for (int i = 0; i < 40000; ++i) quoted += ".'a'";
  EXPECT_EQ(refusal(quoted + " = 1\n").substr(0, 5), "E0009");
  EXPECT_EQ(parse("name = '../../../../../../../../../../x.y.z.a.b'\n").string_at("name").size(), 39u);
  std::string numbers = "[0.1";
  for (int i = 0; i < 100; ++i) numbers += ", 0.1";
  EXPECT_EQ(parse("[optim]\nbetas = " + numbers + "]\n").floats_at("optim.betas").size(), 101u);
}

TEST(Config, TableNamesThatBeginBadlyAreErrorsOfTheText) {
  for (const char* bad : {"[!name]", "[=]", "[[!]]", "a = {!b = 1}"}) {
    EXPECT_THROW(parse_config(test_schema(), bad, "a.toml", {}), Error) << bad;
  }
}

TEST(Config, CharactersBeyondAsciiBelongIntoStringsAndComments) {
  EXPECT_EQ(refusal("name = 'x'\nmod\xd2\x91"
                    "el = 1"),
            "E0009 a.toml:2: a character beyond ASCII outside of strings and comments");
  EXPECT_EQ(parse("# gr\xc3\xbc\xc3\x9f\nname = 'gr\xc3\xbc\xc3\x9f'").string_at("name"), "gr\xc3\xbc\xc3\x9f");
}

TEST(Config, OverridesTakeListsWithAndWithoutBracketsAndStringsWithAndWithoutQuotes) {
  EXPECT_EQ(parse("", {"model.dims=1,2"}).ints_at("model.dims"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(parse("", {"model.dims=[3]"}).ints_at("model.dims"), (std::vector<int64_t>{3}));
  EXPECT_EQ(parse("", {"data.files=a.txt, b c"}).strings_at("data.files"), (std::vector<std::string>{"a.txt", "b c"}));
  EXPECT_EQ(parse("", {"data.files="}).strings_at("data.files").size(), 0u);
  EXPECT_EQ(parse("", {"name = \"q=1\""}).string_at("name"), "q=1");
  EXPECT_EQ(parse("", {"name=12"}).string_at("name"), "12");
}

TEST(Config, UnknownKeysNameTheLineAndOfferTheNearest) {
  EXPECT_EQ(refusal("name = 'x'\n\n[train]\nstep = 5\n"),
            "E0006 a.toml:4: unknown key train.step | did you mean train.steps?");
  EXPECT_EQ(refusal("[zebra]\nq = 1\n"), "E0006 a.toml:2: unknown key zebra.q | `strata config` lists all keys");
  EXPECT_EQ(refusal("[zebra]\n"), "E0006 a.toml:1: unknown key zebra | `strata config` lists all keys");
  EXPECT_EQ(refusal("", {"optim.lrr=1"}), "E0006 --set optim.lrr=1: unknown key optim.lrr | did you mean optim.lr?");
}

TEST(Config, WrongTypesAndBoundsNameExpectedAndFound) {
  EXPECT_EQ(refusal("train.steps = 'many'"),
            "E0007 a.toml:1: train.steps: expected an integer of at least 1, found 'many'");
  EXPECT_EQ(refusal("train.steps = 0"), "E0007 a.toml:1: train.steps: expected an integer of at least 1, found 0");
  EXPECT_EQ(refusal("train.steps = 1.5"), "E0007 a.toml:1: train.steps: expected an integer of at least 1, found 1.5");
  EXPECT_EQ(refusal("optim.lr = nan"), "E0007 a.toml:1: optim.lr: expected a number from 0 to 10, found nan");
  EXPECT_EQ(refusal("optim.name = 'adam'"),
            "E0007 a.toml:1: optim.name: expected one of sgd, adamw, found \"adam\" | did you mean adamw?");
  EXPECT_EQ(refusal("model.dims = [1, 0]"),
            "E0007 a.toml:1: model.dims: expected a list of integers of at least 1, found [1, 0]");
  EXPECT_EQ(refusal("train.strict = 1"), "E0007 a.toml:1: train.strict: expected true or false, found 1");
  EXPECT_EQ(refusal("[train.steps]\nx = 1"),
            "E0007 a.toml:1: train.steps: expected an integer of at least 1, found a table");
  EXPECT_EQ(refusal("train = 1"), "E0006 a.toml:1: unknown key train | `strata config` lists all keys");
}

TEST(Config, BadOverridesAreRefused) {
  EXPECT_EQ(refusal("", {"train.steps"}), "E0007 --set train.steps: expected key=value, found no =");
  for (const char* bad :
       {"train.steps=", "train.steps=x y", "train.steps=1\nname='y'", "model.dims=1,a", "train.strict=yes"})
    EXPECT_TRUE(refusal("", {bad}).starts_with("E0007 --set ")) << bad << refusal("", {bad});
}

TEST(Config, TomlErrorsNameLineAndColumn) {
  EXPECT_TRUE(refusal("name = 'x'\n[train\n").starts_with("E0009 a.toml:2:")) << refusal("name = 'x'\n[train\n");
  EXPECT_TRUE(refusal("name = 'x'\nname = 'y'\n").starts_with("E0009 a.toml:2:"))
      << refusal("name = 'x'\nname = 'y'\n");
}

TEST(Config, ResolvedTomlLoadsToTheSameConfig) {
  const Config config = parse("optim.lr = 0.1", {"name=\"quo\\\"te\\n\xc3\xa9\\\\\"", "data.files=[\"a,b\", \"\"]",
                                                 "model.head.width=-9", "optim.betas=[1e-300, 0.30000000000000004]"});
  const std::string text = config.to_toml();
  EXPECT_EQ(parse(text), config) << text;
  EXPECT_EQ(parse(text).to_toml(), text);
  EXPECT_EQ(parse(parse("").to_toml()), parse(""));
}

TEST(Config, RequiredKeysMustBeSet) {
  const Schema schema({{required_string_key("data.path", "folder of the corpus")}});
  try {
    load_config(schema, "");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), "E0008");
    EXPECT_EQ(error.message(), "config: expected a value for data.path (folder of the corpus), found none");
  }
  const std::vector<std::string> overrides = {"data.path=/x"};
  EXPECT_EQ(load_config(schema, "", overrides).string_at("data.path"), "/x");
}

TEST(Config, MissingFileIsE0001AndPresentFileLoads) {
  TempFolder folder("config");
  EXPECT_THROW(load_config(test_schema(), folder / "none.toml"), Error);
  write_file(folder / "a.toml", "train.steps = 3");
  EXPECT_EQ(load_config(test_schema(), folder / "a.toml").int_at("train.steps"), 3);
}

TEST(Config, JsonHoldsEveryKey) {
  const Json json = parse("").to_json();
  EXPECT_EQ(json.size(), test_schema().keys().size());
  EXPECT_EQ(json.at("optim.betas").dump(), "[0.9,0.999]");
}

TEST(Config, RulesBetweenKeysAreRefusedWithTheOrigin) {
  try {
    parse("train.steps = 3").refuse("train.steps", "expected a multiple of 4, found 3");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "a.toml:1: train.steps: expected a multiple of 4, found 3");
  }
}

Schema variant_schema() {
  return Schema({{choice_key("model.kind", "lenet", {"lenet", "gpt", "lstm"}, "architecture"),
                  choice_key("data.kind", "images", {"images", "text"}, "data")},
                 {int_key("train.steps", 10, "steps")}},
                {{"model.kind", "gpt", {int_key("model.width", 192, "width"), int_key("model.heads", 6, "heads")}},
                 {"model.kind", "lstm", {int_key("model.width", 64, "width of an LSTM")}},
                 {"data.kind", "images", {int_key("data.limit", 0, "images")}}});
}

/// "<code> <message> | <notes and hints>".
std::string variant_refusal(std::string_view text, std::vector<std::string> overrides = {}) {
  try {
    parse_config(variant_schema(), text, "a.toml", overrides);
  } catch (const Error& error) {
    std::string all = std::string(error.code()) + " " + error.message();
    for (const std::string& note : error.notes()) all += " | " + note;
    for (const std::string& hint : error.hints()) all += " | " + hint;
    return all;
  }
  return "accepted";
}

TEST(Variants, BringTheirKeysAndDefaultsWhereTheyAreChosen) {
  const Config plain = parse_config(variant_schema(), "", "a.toml");
  EXPECT_FALSE(plain.has("model.width"));
  EXPECT_TRUE(plain.has("data.limit"));
  EXPECT_EQ(plain, Config(variant_schema()));
  const std::vector<std::string> overrides = {"model.kind=lstm"};
  const Config lstm = parse_config(variant_schema(), "[model]\nkind = 'gpt'\n", "a.toml", overrides);
  EXPECT_EQ(lstm.int_at("model.width"), 64) << "the override decides";
  const Config gpt = parse_config(variant_schema(), "[model]\nheads = 4\nkind = 'gpt'\n", "a.toml");
  EXPECT_EQ(gpt.int_at("model.heads"), 4);
  EXPECT_EQ(gpt.int_at("model.width"), 192);
  EXPECT_EQ(gpt.to_toml(),
            "[model]\nkind = \"gpt\"\nwidth = 192\nheads = 4\n\n[data]\nkind = \"images\"\nlimit = 0\n\n[train]\n"
            "steps = 10\n");
  EXPECT_EQ(parse_config(variant_schema(), gpt.to_toml(), "b.toml"), gpt);
  EXPECT_EQ(parse_config(gpt.schema(), gpt.to_toml(), "b.toml"), gpt) << "a chosen schema can be chosen from again";
}

TEST(Variants, RefuseTheKeysOfOthersByName) {
  EXPECT_EQ(
      variant_refusal("[model]\nheads = 4\n"),
      "E0006 a.toml:2: model.heads is a key of model.kind = \"gpt\", and model.kind is \"lenet\" | model.kind comes "
      "from default | leave model.heads out, or choose another model.kind");
  EXPECT_EQ(variant_refusal("", {"model.width=4"}),
            "E0006 --set model.width=4: model.width is a key of model.kind = \"gpt\", \"lstm\", and model.kind is "
            "\"lenet\" | model.kind comes from default | leave model.width out, or choose another model.kind");
  EXPECT_EQ(
      variant_refusal("[data]\nlimit = 4\nkind = 'text'\n"),
      "E0006 a.toml:2: data.limit is a key of data.kind = \"images\", and data.kind is \"text\" | data.kind comes "
      "from a.toml:3 | leave data.limit out, or choose another data.kind");
}

TEST(Variants, OfferTheNearestKeyOfTheChosenFirst) {
  EXPECT_EQ(variant_refusal("[model]\nwidht = 4\nkind = 'lstm'\n"),
            "E0006 a.toml:2: unknown key model.widht | did you mean model.width?");
  EXPECT_EQ(variant_refusal("[model]\nwidht = 4\n"),
            "E0006 a.toml:2: unknown key model.widht | did you mean model.width, a key of model.kind = \"gpt\"?");
  EXPECT_EQ(variant_refusal("[model]\nkind = 'gtp'\nheads = 1\n"),
            "E0007 a.toml:2: model.kind: expected one of lenet, gpt, lstm, found \"gtp\" | did you mean gpt?");
  EXPECT_EQ(variant_refusal("model = 1"), "E0006 a.toml:1: unknown key model | `strata config` lists all keys");
}

TEST(Variants, StandInTheReferenceBelowTheirPart) {
  const std::string text = variant_schema().to_markdown();
  const size_t model = text.find("## model\n"), gpt = text.find("### where `model.kind` is `gpt`\n"),
               data = text.find("## data\n"), images = text.find("### where `data.kind` is `images`\n");
  EXPECT_TRUE(model < gpt && gpt < data && data < images && images != std::string::npos) << text;
  EXPECT_EQ(text.find("is `lenet`"), std::string::npos) << "it has no keys";
}

TEST(Variants, ThatCanNotBeChosenOrStandTwiceAreInternalErrors) {
  const auto kind = [] { return choice_key("a.kind", "x", {"x", "y"}, ""); };
  const auto other = [] { return choice_key("b.kind", "x", {"x", "y"}, ""); };
  EXPECT_THROW(Schema({{kind()}}, {{"a.kind", "z", {}}}), Error);
  EXPECT_THROW(Schema({{kind()}}, {{"a.none", "x", {}}}), Error);
  EXPECT_THROW(Schema({{kind()}}, {{"a.kind", "x", {int_key("a.kind", 1, "")}}}), Error);
  EXPECT_THROW(Schema({{kind()}}, {{"a.kind", "y", {int_key("a.n", 1, "").at_least(2)}}}), Error);
  EXPECT_THROW(
      Schema({{kind(), other()}}, {{"a.kind", "x", {int_key("n", 1, "")}}, {"b.kind", "y", {int_key("n", 1, "")}}}),
      Error);
}

TEST(Schema, BrokenSchemasAndWrongGettersAreInternalErrors) {
  EXPECT_THROW(Schema({{int_key("a", 1, ""), int_key("a", 1, "")}}), Error);
  EXPECT_THROW(Schema({{int_key("a", 1, ""), int_key("a.b", 1, "")}}), Error);
  EXPECT_THROW(Schema({{int_key("a", 0, "").at_least(1)}}), Error);
  EXPECT_THROW(parse("").int_at("none"), Error);
  EXPECT_THROW(parse("").int_at("optim.lr"), Error);
}

TEST(Schema, PrintsAsMarkdownTables) {
  const std::string text = test_schema().to_markdown();
  EXPECT_NE(text.find("## optim\n"), std::string::npos) << text;
  EXPECT_NE(text.find("| `optim.lr` | a number from 0 to 10 | `0.001` | peak learning rate |\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("| `optim.betas` | a list of numbers | `[0.9, 0.999]` | a\\|b |\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace strata::base
