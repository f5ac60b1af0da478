#include "strata/compiler/backends/target.h"

#include <fmt/format.h>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"

namespace strata::compiler {

std::span<const MemorySpace> Target::memory_spaces() const {
  static constexpr MemorySpace kSpaces[] = {{"memory", 0}};
  return kSpaces;
}

ir::loops::Kernel Target::schedule(const ir::loops::Kernel& naive, ScheduleReport* report,
                                   const ScheduleOptions& options) const {
  if (const auto vectors = vector_unit()) return compiler::schedule(naive, *vectors, report, options);
  if (report) *report = {.lines = {}, .source = "as written", .refusal = "", .misfit = ""};
  return naive;
}

Object Target::compile_composite(const ir::Node&, std::string_view kernel_name, std::span<const std::string>) const {
  throw base::Error(base::code::kRefusedKernel,
                    fmt::format("{}: {} is a composite, and it claims none", name(), kernel_name));
}

}  // namespace strata::compiler
