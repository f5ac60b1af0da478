#include "strata/text/tokenizer_json/field.h"
#include "strata/base/error/codes/data_codes.h"

#include <fmt/format.h>

namespace strata::text {
namespace {

constexpr std::size_t kShownBytes = 60;

const base::Json kMissing;

}  // namespace

Field Field::member(std::string_view key) const {
  if (!value_->is_object()) fail("an object");
  const base::Json* value = value_->find(key);
  return Field(value ? *value : kMissing, fmt::format("{}.{}", path_, key));
}

Field Field::item(std::size_t index) const { return Field(as_array().at(index), fmt::format("{}[{}]", path_, index)); }

bool Field::as_bool() const {
  if (!value_->is_bool()) fail("true or false");
  return value_->as_bool();
}

const std::string& Field::as_string() const {
  if (!value_->is_string()) fail("a string");
  return value_->as_string();
}

std::int64_t Field::as_integer(std::int64_t least, std::int64_t most) const {
  if (!value_->is_int() || value_->as_int() < least || value_->as_int() > most) {
    fail(fmt::format("an integer from {} to {}", least, most));
  }
  return value_->as_int();
}

const std::vector<base::Json>& Field::as_array() const {
  if (!value_->is_array()) fail("an array");
  return value_->items();
}

const std::vector<base::JsonMember>& Field::as_object() const {
  if (!value_->is_object()) fail("an object");
  return value_->members();
}

void Field::fail(std::string_view expected) const {
  throw base::Error(base::code::kMalformedTokenizer,
                    fmt::format("{}: expected {}, found {}", path_, expected, found()));
}

void Field::unsupported(std::string_view supported) const {
  throw base::Error(base::code::kUnsupportedTokenizer,
                    fmt::format("{}: supported is {}, found {}", path_, supported, found()));
}

std::string Field::found() const {
  if (value_->is_null()) return "null or nothing";
  if (value_->is_array()) return fmt::format("an array of {} items", value_->size());
  if (value_->is_object()) {
    const base::Json* type = value_->find("type");
    if (type && type->is_string())
      return fmt::format("an object of type \"{}\"", type->as_string().substr(0, kShownBytes));
    return fmt::format("an object of {} members", value_->size());
  }
  const std::string text = value_->dump();
  return text.size() <= kShownBytes ? text : text.substr(0, kShownBytes) + "...";
}

}  // namespace strata::text
