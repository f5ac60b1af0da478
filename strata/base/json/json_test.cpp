#include "strata/base/json/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/json/jsonl_file.h"

namespace strata::base {
namespace {

std::string error_of(std::string_view text, JsonLimits limits = {}) {
  const Result<Json> json = parse_json(text, "t.json", limits);
  return json ? "parsed" : json.error().message();
}

TEST(Json, KeepsOrderKindsAndBits) {
  Json json = Json::object();
  json.set("z", 1).set("a", true).set("n", nullptr).set("d", 1.0).set("s", "text").set("l", Json::array({1, 2.5, "x"}));
  json.set("a", false);
  EXPECT_EQ(json.dump(), R"({"z":1,"a":false,"n":null,"d":1.0,"s":"text","l":[1,2.5,"x"]})");
  EXPECT_EQ(parse_json(json.dump(), "t").value(), json);
  EXPECT_EQ(parse_json(json.dump_pretty(), "t").value(), json);
  EXPECT_EQ(json.at("l").at(size_t{1}).as_double(), 2.5);
}

TEST(Json, DoublesRoundTripAndNonFiniteBecomeNull) {
  for (double value : {0.1, -0.0, 1e300, 5e-324, 1.0 / 3, 123456789012345680.0, std::numeric_limits<double>::max()}) {
    const Json back = parse_json(Json(value).dump(), "t").value();
    EXPECT_EQ(back.kind(), Json::Kind::Double) << Json(value).dump();
    EXPECT_EQ(back.as_double(), value);
    EXPECT_EQ(std::signbit(back.as_double()), std::signbit(value));
  }
  EXPECT_EQ(Json::array({std::nan(""), HUGE_VAL, -HUGE_VAL}).dump(), "[null,null,null]");
}

TEST(Json, IntegersKeepAll64BitsAndLargerOnesBecomeDoubles) {
  for (int64_t value : {INT64_MIN, INT64_MAX, int64_t{0}, (int64_t{1} << 53) + 1})
    EXPECT_EQ(parse_json(Json(value).dump(), "t").value().as_int(), value);
  EXPECT_EQ(parse_json("18446744073709551615", "t").value().kind(), Json::Kind::Double);
}

TEST(Json, EscapesAndReplacesWhatIsNotUtf8) {
  const std::string text("\"\\\n\t\r\x01\x7f\0\xc3\xa9\xf0\x9f\x98\x80", 14);
  EXPECT_EQ(parse_json(Json(text).dump(), "t").value().as_string(), text);
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xe2\x82"})
    EXPECT_TRUE(parse_json(Json(std::string("a") + bad + "b").dump(), "t").ok()) << bad;
  EXPECT_EQ(Json("a\xff").dump(), "\"a\xEF\xBF\xBD\"");
  EXPECT_FALSE(parse_json("\"\xff\"", "t").ok());
  EXPECT_EQ(parse_json(R"("\u00e9\ud83d\ude00")", "t").value().as_string(), "\xc3\xa9\xf0\x9f\x98\x80");
}

TEST(Json, ErrorsNameSourceLineAndColumn) {
  EXPECT_TRUE(error_of("{\n  \"a\": 1,\n  b\n}").starts_with("t.json:3:3: ")) << error_of("{\n  \"a\": 1,\n  b\n}");
  EXPECT_TRUE(error_of("[1 2]").starts_with("t.json:1:4: ")) << error_of("[1 2]");
  EXPECT_TRUE(error_of("").starts_with("t.json:1:1: ")) << error_of("");
  EXPECT_EQ(parse_json("[", "t").error().code(), "E0004");
}

TEST(Json, RefusesTruncatedTextEverywhere) {
  const std::string text = R"({"a":[1,-2.5e3,true,null],"b":{"c":"\u00e9x"}})";
  ASSERT_TRUE(parse_json(text, "t").ok());
  for (size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_json(text.substr(0, size), "t").ok()) << size;
}

TEST(Json, RefusesNearJson) {
  for (const char* text : {"[1,]", "{a:1}", "'x'", "01", "+1", ".5", "1.", "NaN", "Infinity", "[1] 2", "// c\n1",
                           "\"\t\"", "1e999", "{\"a\":1,}", "\"\\x\"", "\"\\ud800\"", "tru"})
    EXPECT_FALSE(parse_json(text, "t").ok()) << text;
}

TEST(Json, RefusesNestingSizeAndDoubleKeysPastTheLimits) {
  EXPECT_NE(error_of(std::string(1000000, '[')).find("at most 256 levels"), std::string::npos);
  EXPECT_TRUE(parse_json(std::string(256, '[') + std::string(256, ']'), "t").ok());
  EXPECT_EQ(error_of("[1,2,3]", {.bytes = 5}), "t.json: expected at most 5 bytes of json, found 7");
  EXPECT_NE(error_of(R"({"a":1,"b":2,"a":3})").find("the key \"a\" stands twice"), std::string::npos);
}

TEST(Json, AccessToTheWrongKindNamesBoth) {
  const Json json = parse_json(R"({"steps":"ten"})", "t").value();
  try {
    json.at("steps").as_int();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "json: expected an integer, found a string: \"ten\"");
  }
  try {
    json.at("step");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.hints().at(0), "did you mean \"steps\"?");
  }
  EXPECT_THROW(json.at(size_t{0}), Error);
  EXPECT_THROW(Json::array().at(size_t{0}), Error);
  EXPECT_EQ(json.find("none"), nullptr);
  EXPECT_EQ(Json(1).find("none"), nullptr);
}

TEST(Json, LinesReadBack) {
  TempFolder folder("jsonl");
  JsonlFile file(folder / "m.jsonl");
  file.append(Json::object().set("step", 1));
  file.append(Json::object().set("text", "a\nb"));
  const std::string text = read_text(file.path()).value();
  EXPECT_EQ(text, "{\"step\":1}\n{\"text\":\"a\\nb\"}\n");
  EXPECT_EQ(parse_json(text.substr(text.find('\n') + 1), "m").value().at("text").as_string(), "a\nb");
}

}  // namespace
}  // namespace strata::base
