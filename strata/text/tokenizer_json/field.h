// A JSON value with the path that leads to it, so that errors say where: "x/tokenizer.json: model.vocab: expected ...".
//
// Reading a field that is missing or of another type throws E0610 within this folder; parse_tokenizer turns it into a
// Result. Values are borrowed from the document.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strata/base/json/json.h"

namespace strata::text {

class Field {
 public:
  Field(const base::Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  /// The member of an object; a missing one reads as null.
  Field member(std::string_view key) const;
  Field item(std::size_t index) const;

  bool is_null() const { return value_->is_null(); }
  bool is_string() const { return value_->is_string(); }

  bool as_bool() const;
  const std::string& as_string() const;
  std::int64_t as_integer(std::int64_t least, std::int64_t most) const;
  const std::vector<base::Json>& as_array() const;
  const std::vector<base::JsonMember>& as_object() const;

  /// A flag that the format lets writers leave out.
  bool as_bool_or(bool missing) const { return is_null() ? missing : as_bool(); }

  /// E0610: this field is not what was expected.
  [[noreturn]] void fail(std::string_view expected) const;
  /// E0611: this field has a meaning that isn't supported.
  [[noreturn]] void unsupported(std::string_view supported) const;

 private:
  std::string found() const;

  const base::Json* value_;
  std::string path_;
};

}  // namespace strata::text
