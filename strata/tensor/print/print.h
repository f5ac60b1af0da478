// print("loss {:.4f} at step {}", loss, step): a line on standard output, formatted as {fmt} does.
//
// Tensors print as in NumPy; one of rank 0 counts as a number, so number formats apply. They are looked at, so this is
// for the host's side; what is to print when a compiled program runs is print(x, "label") (ops/creation/creation.h).
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "strata/tensor/tensor.h"

namespace strata {

/// What print takes; made from numbers, texts and tensors.
struct PrintArgument {
  std::variant<int64_t, uint64_t, double, bool, std::string> value;
  template <class T>
    requires std::is_arithmetic_v<T>
  PrintArgument(T number) {
    if constexpr (std::is_same_v<T, bool>)
      value = number;
    else if constexpr (std::is_floating_point_v<T>)
      value = static_cast<double>(number);
    else if constexpr (std::is_signed_v<T>)
      value = static_cast<int64_t>(number);
    else
      value = static_cast<uint64_t>(number);
  }
  PrintArgument(std::string_view text) : value(std::string(text)) {}
  PrintArgument(const char* text) : value(std::string(text)) {}
  PrintArgument(const std::string& text) : value(text) {}
  PrintArgument(const Tensor& tensor, Source at = Source::here());
};

/// The format with the line of the call: a defaulted argument can't stand behind the arguments.
struct PrintFormat {
  std::string_view text;
  Source at;
  template <std::convertible_to<std::string_view> T>
  PrintFormat(const T& text, Source at = Source::here()) : text(text), at(at) {}
};

/// The text that print writes. E0533 when the format is not one or does not fit the arguments.
std::string format_text(const PrintFormat& format, std::span<const PrintArgument> arguments);
void print_text(const std::string& line);

template <class... Args>
void print(const PrintFormat& format, const Args&... args) {
  auto argument = [&](const auto& arg) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(arg)>, Tensor>)
      return PrintArgument(arg, format.at);
    else
      return PrintArgument(arg);
  };
  const PrintArgument arguments[] = {argument(args)..., PrintArgument(0)};
  print_text(format_text(format, {arguments, sizeof...(args)}));
}

}  // namespace strata
