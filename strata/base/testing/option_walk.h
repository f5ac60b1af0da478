// For tests: walks the fields of options structs through the values that nobody means. Each must be refused by the name
// of the field, with the value, or be one that the field's description allows.
//
//   walk_numbers({{"momentum", [](double v) { Sgd{.momentum = v}.start(model()); }, {0}},   // 0 is allowed
//                 {"lr", ...}});
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "strata/base/error/error.h"

namespace strata::base {

template <class T>
struct OptionField {
  std::string name;                  ///< as the message says it
  std::function<void(T value)> use;  ///< builds or calls with this value of the field
  std::vector<T> allowed;            ///< of the values that are tried
};

template <class T>
void expect_refused_or_allowed(const OptionField<T>& field, T value) {
  const std::string text = fmt::format("{}", value);
  const bool is_allowed = std::find(field.allowed.begin(), field.allowed.end(), value) != field.allowed.end();
  try {
    field.use(value);
    EXPECT_TRUE(is_allowed) << field.name << " = " << text << " is taken in silence";
  } catch (const Error& error) {
    EXPECT_FALSE(is_allowed) << field.name << " = " << text << ": " << error.text();
    EXPECT_EQ(error.kind(), ErrorKind::User) << error.text();
    EXPECT_NE(error.message().find(field.name + " is " + text + ", expected"), std::string::npos) << error.text();
  }
}

inline void walk_numbers(const std::vector<OptionField<double>>& fields) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const auto& field : fields)
    for (double value : {std::numeric_limits<double>::quiet_NaN(), kInfinity, -kInfinity, -1.0, 0.0, 1e300})
      expect_refused_or_allowed(field, value);
}

inline void walk_integers(const std::vector<OptionField<int64_t>>& fields,
                          const std::vector<int64_t>& values = {INT64_MIN, -1, 0, INT64_MAX}) {
  for (const auto& field : fields)
    for (int64_t value : values) expect_refused_or_allowed(field, value);
}

}  // namespace strata::base
