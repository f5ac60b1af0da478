#include "strata/ir/loops/text/literal_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "strata/ir/loops/fold.h"
#include "strata/ir/loops/scalar_semantics.h"

namespace strata::ir::loops {
namespace {

template <class F>
std::string shortest(F value) {
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  std::string text(digits, end);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string float_text(DType type, uint64_t bits) {
  switch (type) {
    case DType::f64:
      return shortest(lane_value<double>(bits));
    case DType::f32:
      return shortest(lane_value<float>(bits));
    case DType::f16:
      return shortest(f16_value(static_cast<uint16_t>(bits)));
    default:
      return shortest(bf16_value(static_cast<uint16_t>(bits)));
  }
}

template <class T>
std::optional<uint64_t> read_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return lane_bits(value);
}

}  // namespace

std::string literal_text(DType type, uint64_t bits, bool with_type) {
  if (is_float(type)) {
    const std::string text = float_text(type, bits);
    const bool finite = text.find('n') == std::string::npos;
    if (text.find("nan") != std::string::npos || (!finite && with_type))
      return fmt::format("bits({}, {:#x})", dtype_name(type), bits);
    return with_type ? fmt::format("{}{}", text, dtype_name(type)) : text;
  }
  const std::string text = type == DType::u64 ? std::to_string(bits) : std::to_string(int_of_bits(type, bits));
  return with_type ? fmt::format("{}{}", text, dtype_name(type)) : text;
}

std::optional<uint64_t> literal_bits(DType type, std::string_view text) {
  if (is_bool(type)) return std::nullopt;
  if (is_half_float(type)) {
    const auto bits = read_number<double>(text);
    return bits ? std::optional(bits_of_double(type, lane_value<double>(*bits))) : std::nullopt;
  }
  return visit_dtype(type, [&](auto tag) -> std::optional<uint64_t> {
    using T = typename decltype(tag)::type;
    if constexpr (LoopFloat<T> || LoopInt<T>) return read_number<T>(text);
    return std::nullopt;
  });
}

}  // namespace strata::ir::loops
