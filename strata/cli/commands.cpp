#include "strata/cli/command.h"

namespace strata::cli {

Run declare_error(CLI::App& app);
Run declare_ops(CLI::App& app);
Run declare_opt(CLI::App& app);
Run declare_passes(CLI::App& app);

namespace {

constexpr Command kCommands[] = {
    {"opt", "read a program's text, run passes on it, interpret it, compare and shrink it", declare_opt},
    {"ops", "list the ops, or tell all about one", declare_ops},
    {"passes", "list the compiler's passes in the order in which they run", declare_passes},
    {"error", "explain an error code", declare_error},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace strata::cli
