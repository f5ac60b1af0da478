#include "strata/tensor/print.h"

#include <fmt/args.h>
#include <fmt/format.h>

#include <cstdio>

#include "strata/base/error/error.h"

namespace strata {

PrintArgument::PrintArgument(const Tensor& tensor) : value(std::string()) {
  if (!tensor.defined() || tensor.rank() > 0)
    value = tensor.str();
  else if (is_float(tensor.dtype()))
    value = tensor.item();
  else if (is_bool(tensor.dtype()))
    value = tensor.array().get_int(0) != 0;
  else
    value = tensor.array().get_int(0);
}

std::string format_text(std::string_view format, std::span<const PrintArgument> arguments) {
  fmt::dynamic_format_arg_store<fmt::format_context> store;
  for (const PrintArgument& a : arguments) std::visit([&](const auto& v) { store.push_back(v); }, a.value);
  try {
    return fmt::vformat(fmt::string_view(format.data(), format.size()), store);
  } catch (const fmt::format_error& e) {
    throw base::Error("E0533", "print: '" + std::string(format) + "' with " + std::to_string(arguments.size()) +
                                   " arguments: " + e.what());
  }
}

void print_text(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace strata
