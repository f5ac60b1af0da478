// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/error/message_of.h"
#include "strata/base/json/json.h"

namespace strata::base {
namespace {

TEST(ErrorMessages, E0003NamesThePlaceInTheBytes) {
  const std::string text = "IDX";
  EXPECT_EQ(message_of([&] { ByteReader(std::as_bytes(std::span(text)), "a.idx").big<uint32_t>("magic").value(); }),
            "error[E0003]: a.idx: magic at byte 0: expected 4 bytes, found 3 before the end");
  EXPECT_EQ(message_of([&] { ByteReader(std::as_bytes(std::span(text)), "a.idx").expect("PNG", "magic").value(); }),
            "error[E0003]: a.idx: magic at byte 0: expected \"PNG\", found \"IDX\"");
}

TEST(ErrorMessages, E0005NamesWhatTheJsonHolds) {
  const Json json = parse_json(R"({"steps": [1, 2], "rate": "fast"})", "a.json").value();
  EXPECT_EQ(message_of([&] { json.at("rate").as_double(); }),
            "error[E0005]: json: expected a number, found a string: \"fast\"");
  EXPECT_EQ(message_of([&] { json.at("step"); }),
            "error[E0005]: json: expected the key \"step\", found none among 2 keys\nhint: did you mean \"steps\"?");
  EXPECT_EQ(message_of([&] { json.at("steps").at(2); }),
            "error[E0005]: json: expected an array of more than 2 items, found 2");
}

}  // namespace
}  // namespace strata::base
