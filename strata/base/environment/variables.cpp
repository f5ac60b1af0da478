#include "strata/base/environment/variables.h"

#include <algorithm>
#include <cstdlib>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::base {
namespace {

constexpr EnvironmentVariable kVariables[] = {
    {"STRATA_CACHE", "a folder",
     "where compiled programs, their kernels and the corpus are kept; empty: programs are not kept; not set: "
     "$XDG_CACHE_HOME/strata, else ~/.cache/strata",
     "every program"},
    {"STRATA_CAPTURE", "a file",
     "when the process ends, what was recorded and compiled, for which sizes, and why again is written there as JSON, "
     "for `strata explain --capture`",
     "every program"},
    {"STRATA_DUMP_PASSES", "a folder",
     "each program that is compiled writes its graph there as text, as it was recorded and after each pass that "
     "changed it: `<name>-<hash>/00-before.sir`, `01-inline-calls.sir` and so on; each is a program for `strata "
     "explain`, "
     "`compile`, `tune`, `bisect` and `roofline`",
     "every program"},
    {"STRATA_ISA", "scalar, avx2, avx512, avx512-vnni or avx512-bf16",
     "the instruction set that kernels are made for; not set: the highest that this CPU has", "every program"},
    {"STRATA_LAZY", "background, at-once or never",
     "when what runs without jit is compiled as a whole: beside, once it has come twice; before it runs; or not at "
     "all, "
     "op by op; not set: background",
     "every program"},
    {"STRATA_LOG", "trace, debug, info, warn or error", "the least severe lines that are logged; not set: warn",
     "every program"},
    {"STRATA_SCHEDULES", "a file",
     "tuned schedules, which kernels take instead of what the compiler would choose (`strata explain` prints them); "
     "empty: none; not set: those of `strata tune` in the cache folder, if there are any",
     "every program"},
    {"STRATA_STRICT", "0 or 1", "a kernel that the compiler leaves as written is an error (E0315)", "every program"},
    {"STRATA_TRACE", "a file",
     "from its first compilation to its end the program is traced into it, for ui.perfetto.dev", "every program"},
    {"STRATA_PEERS_PYTHON", "a program",
     "the Python that has PyTorch and tokenizers; not set: ~/.cache/strata/peers/bin/python", "strata bench"},
    {"STRATA_PEERS", "a folder", "where the peers are installed; not set: ~/.cache/strata/peers", "tools/peers"},
    {"STRATA_SKIP_SETUP", "1", "no package is installed: you have seen to it yourself", "make"},
    {"STRATA_FUZZ_PROGRAMS", "a number", "how many random programs a test makes", "tests"},
    {"STRATA_FUZZ_KERNELS", "a number", "how many random kernels a test makes", "tests"},
    {"STRATA_FUZZ_SEED", "a number", "the first seed of random programs and kernels", "tests"},
    {"STRATA_REPORT_DEMO", "a folder", "reports that tests make are kept there, to look at", "tests"},
    {"STRATA_SAFETENSORS_DEMO", "a file", "the file that a test writes is kept there, to read it elsewhere", "tests"},
};

}  // namespace

std::span<const EnvironmentVariable> environment_variables() { return kVariables; }

std::optional<std::string> environment(std::string_view name) {
  const auto found = std::ranges::find(kVariables, name, &EnvironmentVariable::name);
  if (found == std::end(kVariables))
    throw Error(code::kBug, "the environment variable " + std::string(name) + " is not in the table");
  const char* value = std::getenv(std::string(found->name).c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace strata::base
