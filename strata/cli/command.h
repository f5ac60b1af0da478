// A command of the binary. Each stands in one file cmd_<name>.cpp: it declares its options, calls one library function
// and prints. Data goes to stdout, text for people to stderr.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace strata::cli {

class CommandLine;

/// What a command does once its options are read; returns the exit code.
using Run = std::function<int()>;

struct Command {
  std::string_view name;
  std::string_view summary;      ///< one line
  Run (*declare)(CommandLine&);  ///< adds the options, which the returned function owns
};

/// All commands, in the order of the help (commands.cpp).
std::span<const Command> commands();

/// Runs a whole command line without the program's name. Exit codes: 0 fine, 1 user, 2 environment, 3 internal.
int run(std::span<const std::string> arguments);

/// To stdout; E0002 if that fails (a full disk, a closed pipe).
void print_out(std::string_view text);

}  // namespace strata::cli
