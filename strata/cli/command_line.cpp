#include "strata/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
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

constexpr const char* kNotEmpty = "not empty";

template <class T>
CLI::Option* option(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  CLI::Option* made = app.add_option(name, value, help);
  if (!name.starts_with('-')) return made;
  const auto require_text = [](std::string& text) { return text.empty() ? "expected a value, found ''" : ""; };
  return made->check(CLI::Validator(require_text, "", kNotEmpty));
}

}  // namespace

OptionRules& OptionRules::required() { return option_->required(), *this; }
OptionRules& OptionRules::type_name(const std::string& name) { return option_->type_name(name), *this; }
OptionRules& OptionRules::show_default() { return option_->capture_default_str(), *this; }
OptionRules& OptionRules::one_of(const std::vector<std::string>& values) {
  return option_->check(CLI::IsMember(values)), *this;
}
OptionRules& OptionRules::between(int64_t low, int64_t high) { return option_->check(CLI::Range(low, high)), *this; }
OptionRules& OptionRules::delimiter(char separator) { return option_->delimiter(separator), *this; }
OptionRules& OptionRules::repeatable() { return option_->take_all()->allow_extra_args(false), *this; }
OptionRules& OptionRules::hidden() { return option_->group(""), *this; }
OptionRules& OptionRules::excludes(const OptionRules& other) { return option_->excludes(other.option_), *this; }

OptionRules& OptionRules::may_be_empty() {
  option_->get_validator(kNotEmpty)->active(false);
  return *this;
}

OptionRules CommandLine::add_option(const std::string& name, std::string& value, const std::string& help) {
  return OptionRules(option(*app_, name, value, help));
}
OptionRules CommandLine::add_option(const std::string& name, std::optional<std::string>& value,
                                    const std::string& help) {
  return OptionRules(option(*app_, name, value, help));
}
OptionRules CommandLine::add_option(const std::string& name, std::vector<std::string>& values,
                                    const std::string& help) {
  return OptionRules(option(*app_, name, values, help));
}
OptionRules CommandLine::add_option(const std::string& name, std::vector<int>& values, const std::string& help) {
  return OptionRules(option(*app_, name, values, help));
}
OptionRules CommandLine::add_option(const std::string& name, int& value, const std::string& help) {
  return OptionRules(option(*app_, name, value, help));
}
OptionRules CommandLine::add_option(const std::string& name, int64_t& value, const std::string& help) {
  return OptionRules(option(*app_, name, value, help));
}
OptionRules CommandLine::add_flag(const std::string& name, bool& value, const std::string& help) {
  return OptionRules(app_->add_flag(name, value, help));
}

void CommandLine::excludes_others(const std::string& name, const std::vector<std::string>& but) {
  // By CLI11's excludes() the help of each option would say so.
  app_->parse_complete_callback([app = app_, name, but] {
    if (app->count(name) == 0) return;
    for (const CLI::Option* other : app->get_options()) {
      const auto is_it = [&](const std::string& n) { return other->check_name(n); };
      if (other->count() > 0 && !is_it(name) && std::ranges::none_of(but, is_it))
        throw CLI::ExcludesError(name, other->get_name());
    }
  });
}

void CommandLine::footer(const std::string& text) { app_->footer(text); }
bool CommandLine::has(const std::string& name) const { return app_->count(name) > 0; }

void CommandLine::add_whole_number(const std::string& name, int64_t& value, int64_t low, int64_t high,
                                   const std::string& help) {
  add(*app_, name, "INT", help, [=, &value](const std::string& text) {
    int64_t number = 0;
    if (!read_all(text, number) || number < low || number > high)
      refuse(name, fmt::format("an integer from {} to {}", low, high), text);
    value = number;
  });
}

void CommandLine::add_seed(const std::string& name, uint64_t& value, const std::string& help) {
  add(*app_, name, "INT", help, [=, &value](const std::string& text) {
    if (uint64_t number = 0; read_all(text, number))
      value = number;
    else
      refuse(name, fmt::format("an integer from 0 to {}", UINT64_MAX), text);
  });
}

void CommandLine::add_real_number(const std::string& name, double& value, double low, const std::string& help) {
  add(*app_, name, "FLOAT", help, [=, &value](const std::string& text) {
    double number = 0;
    if (!read_all(text, number) || !std::isfinite(number) || number < low)
      refuse(name, fmt::format("a number of at least {}", low), text);
    value = number;
  });
}

}  // namespace strata::cli
