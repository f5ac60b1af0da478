#include "strata/cli/command.h"

namespace strata::cli {

Run declare_bench(CommandLine& line);
Run declare_bisect(CommandLine& line);
Run declare_compile(CommandLine& line);
Run declare_config(CommandLine& line);
Run declare_convert(CommandLine& line);
Run declare_data(CommandLine& line);
Run declare_demo(CommandLine& line);
Run declare_env(CommandLine& line);
Run declare_error(CommandLine& line);
Run declare_eval(CommandLine& line);
Run declare_explain(CommandLine& line);
Run declare_generate(CommandLine& line);
Run declare_init(CommandLine& line);
Run declare_inspect(CommandLine& line);
Run declare_ops(CommandLine& line);
Run declare_opt(CommandLine& line);
Run declare_passes(CommandLine& line);
Run declare_profile(CommandLine& line);
Run declare_roofline(CommandLine& line);
Run declare_run(CommandLine& line);
Run declare_train(CommandLine& line);
Run declare_tune(CommandLine& line);

namespace {

constexpr Command kCommands[] = {
    {"demo", "train the models of configs/demo.toml, with a report each", declare_demo},
    {"train", "train a model in a run folder, to the end or on from its checkpoint", declare_train},
    {"eval", "measure a trained model on held-out data", declare_eval},
    {"generate", "continue a text with a trained language model", declare_generate},
    {"inspect", "parameters, arithmetic and bytes of a model, by layer", declare_inspect},
    {"config", "list the keys of a configuration, or check a file", declare_config},
    {"init", "write the parameters that a training starts from", declare_init},
    {"data", "write the batches that a training sees", declare_data},
    {"convert", "write the tensors of a file in another format", declare_convert},
    {"profile", "trace training steps for ui.perfetto.dev", declare_profile},
    {"bench", "measure Strata against its peers, and write the rows to bench/out/latest.json", declare_bench},
    {"opt", "read a program's text, run passes on it, interpret it, compare and shrink it", declare_opt},
    {"compile", "write a program's text as a file of machine code that needs no compiler", declare_compile},
    {"run", "load a program file and run it on arrays of safetensors files", declare_run},
    {"explain", "what became of a program: fused nodes, loops, schedules with refusals, machine code", declare_explain},
    {"bisect", "the pass or the kernel that makes a wrong result, and where a NaN comes from", declare_bisect},
    {"roofline", "the machine's measured roofs, with a program's kernels or a benchmark's rows below them",
     declare_roofline},
    {"tune", "search for faster schedules of a program's kernels on this machine", declare_tune},
    {"ops", "list the ops, or tell all about one", declare_ops},
    {"passes", "list the compiler's passes in the order in which they run", declare_passes},
    {"error", "explain an error code", declare_error},
    {"env", "list the environment variables that programs look at, with their values", declare_env},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace strata::cli
