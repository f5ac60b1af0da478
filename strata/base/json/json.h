// JSON values, a strict parser for untrusted text, and printing. The only JSON interface of Strata (third-party code
// stays in the .cpp). Objects keep the order in which keys were set. Integers are 64-bit and apart from doubles;
// doubles print so that they read back to the same bits, with a ".0" where they would look like integers; NaN and
// infinity print as null.
//
//   Json run = Json::object();
//   run.set("step", 12).set("loss", 3.41).set("dims", Json::array({784, 128}));
//   Result<Json> back = parse_json(run.dump(), "metrics");
//   int64_t step = back->at("step").as_int();
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "strata/base/error/error.h"

namespace strata::base {

struct JsonMember;

class Json {
 public:
  enum class Kind { Null, Bool, Int, Double, String, Array, Object };

  Json();
  Json(std::nullptr_t);
  template <class T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  Json(T value);
  Json(double value);
  Json(std::string value);
  Json(std::string_view value);
  Json(const char* value);
  static Json array(std::vector<Json> items = {});
  static Json object();

  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();

  Kind kind() const { return static_cast<Kind>(value_.index()); }
  bool is_null() const { return kind() == Kind::Null; }
  bool is_bool() const { return kind() == Kind::Bool; }
  bool is_int() const { return kind() == Kind::Int; }
  bool is_number() const { return kind() == Kind::Int || kind() == Kind::Double; }
  bool is_string() const { return kind() == Kind::String; }
  bool is_array() const { return kind() == Kind::Array; }
  bool is_object() const { return kind() == Kind::Object; }

  /// The value as what it is; E0005 names both kinds otherwise. as_double takes integers too.
  bool as_bool() const;
  int64_t as_int() const;
  double as_double() const;
  const std::string& as_string() const;

  /// Items of an array (E0005 otherwise).
  const std::vector<Json>& items() const;
  std::vector<Json>& items();
  /// Members of an object in their order (E0005 otherwise).
  const std::vector<JsonMember>& members() const;
  std::vector<JsonMember>& members();
  /// Items of an array or members of an object; 0 for anything else.
  size_t size() const;

  /// The member's value, or nullptr; also when this is no object. Looks through the members in order: walk members()
  /// instead of looking up each key of a large object.
  const Json* find(std::string_view key) const;
  /// The member's value; E0005 with the nearest key when there is none.
  const Json& at(std::string_view key) const;
  /// The item of an array; E0005 when out of range.
  const Json& at(size_t index) const;

  /// Sets a member of an object (null becomes an object), in place when the key is there.
  Json& set(std::string_view key, Json value) &;
  Json&& set(std::string_view key, Json value) &&;
  /// Appends to an array (null becomes an array).
  Json& push(Json item) &;

  /// One line without spaces.
  std::string dump() const;
  /// Indented by two spaces a level.
  std::string dump_pretty() const;

  friend bool operator==(const Json& a, const Json& b);

 private:
  const char* kind_name() const;
  [[noreturn]] void wrong_kind(const char* expected) const;

  // In the order of Kind.
  std::variant<std::monostate, bool, int64_t, double, std::string, std::vector<Json>, std::vector<JsonMember>> value_;
};

struct JsonMember {
  std::string key;
  Json value;

  friend bool operator==(const JsonMember&, const JsonMember&) = default;
};

// Defined only here, where JsonMember is complete: a constructor needs the destructor of the variant.
inline Json::Json() = default;
inline Json::Json(std::nullptr_t) {}
inline Json::Json(double value) : value_(value) {}
inline Json::Json(std::string value) : value_(std::move(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
template <class T, std::enable_if_t<std::is_integral_v<T>, int>>
Json::Json(T value) {
  if constexpr (std::is_same_v<T, bool>)
    value_ = value;
  else
    value_ = static_cast<int64_t>(value);
}

struct JsonLimits {
  int depth = 256;                 ///< arrays and objects inside each other
  size_t bytes = size_t{1} << 30;  ///< of the text
};

/// Parses one JSON value that fills the text (RFC 8259: UTF-8, no comments). E0004 names source, line and column; a key
/// twice in an object, nesting or size past the limits and integers past 64 bits that are no doubles either are refused
/// too.
Result<Json> parse_json(std::string_view text, std::string_view source, JsonLimits limits = {});

/// Reads and parses a file. E0001, E0004.
Result<Json> read_json(const std::string& path, JsonLimits limits = {});

}  // namespace strata::base
