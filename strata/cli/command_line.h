// The options of one command. CLI11 reads them, behind this door: its headers cost seconds in each file.
//
//   line.add_option("FILE", options->file, "a tensor program").required();
//   line.add_flag("--json", options->json, "as JSON");
//
// Numbers are read strictly: CLI11 alone lets -1 and 2^64 wrap around in unsigned options, accepts nan, and prints the
// bounds of a double with 300 digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace strata::cli {

/// What else is said of an option.
class OptionRules {
 public:
  explicit OptionRules(CLI::Option* option) : option_(option) {}
  OptionRules& required();
  OptionRules& type_name(const std::string& name);
  /// The help names the default.
  OptionRules& show_default();
  OptionRules& one_of(const std::vector<std::string>& values);
  OptionRules& between(int64_t low, int64_t high);
  /// Several values in one word.
  OptionRules& delimiter(char separator);
  /// One value each time that it is named, all of which count.
  OptionRules& repeatable();
  /// Left out of the help.
  OptionRules& hidden();
  OptionRules& excludes(const OptionRules& other);
  /// An empty value says something, too. Else one counts as a slip: a script's variable that wasn't set.
  OptionRules& may_be_empty();

 private:
  CLI::Option* option_;
};

class CommandLine {
 public:
  explicit CommandLine(CLI::App& app) : app_(&app) {}

  /// `--name VALUE`, or a word in its place if the name has no dashes. `value` outlives the reading, and holds the
  /// default.
  OptionRules add_option(const std::string& name, std::string& value, const std::string& help);
  OptionRules add_option(const std::string& name, std::optional<std::string>& value, const std::string& help);
  OptionRules add_option(const std::string& name, std::vector<std::string>& values, const std::string& help);
  OptionRules add_option(const std::string& name, std::vector<int>& values, const std::string& help);
  OptionRules add_option(const std::string& name, int& value, const std::string& help);
  OptionRules add_option(const std::string& name, int64_t& value, const std::string& help);
  OptionRules add_flag(const std::string& name, bool& value, const std::string& help);

  /// `--name N`, a whole number from low to high.
  void add_whole_number(const std::string& name, int64_t& value, int64_t low, int64_t high, const std::string& help);
  /// Any 64 bits, from 0.
  void add_seed(const std::string& name, uint64_t& value, const std::string& help);
  /// `--name X`, a finite number of at least `low`.
  void add_real_number(const std::string& name, double& value, double low, const std::string& help);

  /// Beside `name` none is taken but these, since the others would do nothing. Once for a command.
  void excludes_others(const std::string& name, const std::vector<std::string>& but = {});

  /// Behind the options in the help.
  void footer(const std::string& text);
  /// Once it is read: whether an option was named.
  bool has(const std::string& name) const;

 private:
  CLI::App* app_;
};

}  // namespace strata::cli
