// From the command line to a command: help, version, unknown names, and errors as text and exit code.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <sstream>
#include <vector>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/trace/log_setting.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"

namespace strata::cli {
namespace {

constexpr const char* kVersion = "0.1.0";

void print_error(std::string_view text) { std::fputs(fmt::format("{}\n", text).c_str(), stderr); }

void require_known(std::string_view name) {
  std::vector<std::string> names;
  for (const Command& c : commands()) names.emplace_back(c.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  base::Error error(base::code::kCommandLine, fmt::format("there is no command named '{}'", name));
  const auto near = base::nearest_name(name, names);
  throw error.hint(near ? "did you mean '" + *near + "'?" : "`strata --help` lists the commands");
}

/// The page of all commands for docs/reference.
std::string markdown_help(const std::vector<CLI::App*>& subcommands) {
  std::string text =
      "# Commands\n\nPrinted by `strata --help-markdown`. Exit codes: 0 fine, 1 user error, 2 environment, 3 "
      "internal.\n";
  for (const CLI::App* app : subcommands)
    text +=
        fmt::format("\n## strata {}\n\n```\n{}\n```\n", app->get_name(), CLI::detail::trim_copy(app->help("strata")));
  return text;
}

int run_checked(std::span<const std::string> arguments) {
  base::require_log_setting();
  if (!arguments.empty() && !arguments[0].empty() && arguments[0][0] != '-') require_known(arguments[0]);
  CLI::App app("Strata: tensor programs, from gradient to silicon", "strata");
  app.set_version_flag("--version", fmt::format("strata {}", kVersion));
  bool wants_markdown = false;
  app.add_flag("--help-markdown", wants_markdown, "the help of all commands as Markdown");
  int code = 0;
  std::vector<CLI::App*> subcommands;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    subcommands.push_back(sub);
    CommandLine line(*sub);
    sub->callback([&code, run = command.declare(line)] { code = run(); });
  }
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants it
  try {
    app.parse(reversed);
  } catch (const CLI::Success& success) {  // --help, --version
    std::ostringstream text;
    const int exit_code = app.exit(success, text, text);
    print_out(text.str());
    return exit_code;
  } catch (const CLI::ParseError& error) {
    throw base::Error(base::code::kCommandLine, error.what())
        .hint("`strata --help` and `strata COMMAND --help` list what there is");
  }
  if (wants_markdown)
    print_out(markdown_help(subcommands));
  else if (app.get_subcommands().empty())
    print_error(app.help());
  return code;
}

}  // namespace

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw base::Error(base::code::kUnwritableFile, "can't write to standard output: " + base::errno_text(errno));
}

int run(std::span<const std::string> arguments) {
  try {
    return run_checked(arguments);
  } catch (const base::Error& error) {
    print_error(error.text());
    return base::exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    print_error("error[E0112]: memory is short");
    return 2;
  } catch (const std::exception& error) {
    print_error(fmt::format("error[E0900]: {}", error.what()));
    return 3;
  }
}

}  // namespace strata::cli
