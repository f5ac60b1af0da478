#include "strata/cli/number_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

namespace strata::cli {
namespace {

template <class T>
bool read_all(const std::string& text, T& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && !text.empty();
}

[[noreturn]] void refuse(const std::string& name, const std::string& expected, const std::string& found) {
  throw CLI::ValidationError(fmt::format("{}: expected {}, found {}", name, expected, found));
}

/// `read` takes the text or throws.
template <class Read>
void add(CLI::App& app, const std::string& name, const char* type, const std::string& help, Read read) {
  app.add_option_function<std::string>(name, std::move(read), help)->type_name(type);
}

}  // namespace

void add_whole_number(CLI::App& app, const std::string& name, int64_t& value, int64_t low, int64_t high,
                      const std::string& help) {
  add(app, name, "INT", help, [=, &value](const std::string& text) {
    int64_t number = 0;
    if (!read_all(text, number) || number < low || number > high)
      refuse(name, fmt::format("an integer from {} to {}", low, high), text);
    value = number;
  });
}

void add_seed(CLI::App& app, const std::string& name, uint64_t& value, const std::string& help) {
  add(app, name, "INT", help, [=, &value](const std::string& text) {
    if (uint64_t number = 0; read_all(text, number))
      value = number;
    else
      refuse(name, fmt::format("an integer from 0 to {}", UINT64_MAX), text);
  });
}

void add_real_number(CLI::App& app, const std::string& name, double& value, double low, const std::string& help) {
  add(app, name, "FLOAT", help, [=, &value](const std::string& text) {
    double number = 0;
    if (!read_all(text, number) || !std::isfinite(number) || number < low)
      refuse(name, fmt::format("a number of at least {}", low), text);
    value = number;
  });
}

}  // namespace strata::cli
