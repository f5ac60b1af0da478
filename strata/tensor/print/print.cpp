#include "strata/tensor/print/print.h"

#include <fmt/args.h>
#include <fmt/format.h>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/runtime/execute/print_line.h"

namespace strata {

PrintArgument::PrintArgument(const Tensor& tensor, Source at) : value(std::string()) {
  if (!tensor.defined() || tensor.rank(at) > 0)
    value = tensor.str(at);
  else if (is_float(tensor.dtype(at)))
    value = tensor.item(at);
  else if (is_bool(tensor.dtype(at)))
    value = tensor.array(at).get_int(0) != 0;
  else
    value = tensor.array(at).get_int(0);
}

std::string format_text(const PrintFormat& format, std::span<const PrintArgument> arguments) {
  fmt::dynamic_format_arg_store<fmt::format_context> store;
  for (const PrintArgument& a : arguments) std::visit([&](const auto& v) { store.push_back(v); }, a.value);
  try {
    return fmt::vformat(fmt::string_view(format.text.data(), format.text.size()), store);
  } catch (const fmt::format_error& e) {
    base::Error error(base::code::kFormatArguments, "print: '" + std::string(format.text) + "' with " +
                                                        std::to_string(arguments.size()) + " arguments: " + e.what());
    ops::note_line(error, {format.at.file, format.at.line, nullptr});
    throw error;
  }
}

void print_text(const std::string& line) { runtime::print_line(line); }

}  // namespace strata
