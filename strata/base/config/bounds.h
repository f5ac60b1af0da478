// The numbers that a setting may have, and the words by which others are refused.
//
// The owner of a setting states its bounds once, beside what they protect. Its options struct asks for them where the
// object is built or the function is called (OptionCheck), and its configuration key takes them over (ConfigKey::within
// in schema.h), so that both refuse the same values in the same words. NaN is within no bounds, and neither is an
// infinity.
//
//   inline constexpr Bounds kMomentum = Bounds::between(0, 1);
//   OptionCheck(code::kOptionOutOfRange, "sgd").number("momentum", o.momentum, kMomentum).integer("depth", o.depth,
//   kDepth);
//       error[E0760]: sgd: momentum is nan, expected a number from 0 to 1
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "strata/base/error/error_code.h"

namespace strata::base {

struct Bounds {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool excludes_low = false, excludes_high = false;

  /// Any finite number.
  static constexpr Bounds finite() { return {}; }
  static constexpr Bounds at_least(double low) { return {.low = low}; }
  static constexpr Bounds above(double low) { return {.low = low, .excludes_low = true}; }
  static constexpr Bounds between(double low, double high) { return {.low = low, .high = high}; }
  /// From `low`, itself included, up to `high`, itself excluded.
  static constexpr Bounds below(double low, double high) { return {.low = low, .high = high, .excludes_high = true}; }

  bool contain(double value) const;
  /// What stands behind "a number" or "an integer": " from 0 to 1", " of at least 0, below 1", " above 0"; empty where
  /// nothing is bounded.
  std::string text() const;
};

/// Counts of elements, layers' widths and the like: what is larger was not meant, and products of two fit 64 bits.
inline constexpr Bounds kExtent = Bounds::between(1, 2147483647);
/// The same where none is meant, too.
inline constexpr Bounds kExtentOrNone = Bounds::between(0, 2147483647);

/// Refuses options that are out of their bounds, by the name of the field: "<owner>: <field> is <value>, expected ...".
class OptionCheck {
 public:
  /// `code`: of the error. `owner`: the options struct or function that the user wrote.
  OptionCheck(ErrorCode code, std::string_view owner) : code_(code), owner_(owner) {}

  const OptionCheck& number(std::string_view field, double value, const Bounds& bounds) const {
    return bounds.contain(value) ? *this : refuse(field, value, bounds);
  }
  const OptionCheck& integer(std::string_view field, int64_t value, const Bounds& bounds) const {
    return bounds.contain(value) ? *this : refuse_integer(field, value, bounds);
  }
  /// For a rule between fields: "<owner>: <field> is <value>, expected <what>".
  [[noreturn]] void refuse(std::string_view field, std::string_view value, std::string_view expected) const;

 private:
  [[noreturn]] const OptionCheck& refuse(std::string_view field, double value, const Bounds& bounds) const;
  [[noreturn]] const OptionCheck& refuse_integer(std::string_view field, int64_t value, const Bounds& bounds) const;

  ErrorCode code_;
  std::string_view owner_;
};

}  // namespace strata::base
