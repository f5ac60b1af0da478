#include "strata/cli/program/opt_loops.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/cli/command.h"
#include "strata/cli/program/program_arguments.h"
#include "strata/compiler/check/kernel_run.h"
#include "strata/compiler/check/native_kernel.h"
#include "strata/compiler/loop/schedule_database.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ops/conformance/sample_arrays.h"

namespace strata::cli {

using ir::HostArray;
using namespace ir::loops;

namespace {

/// Dimensions from the given arguments' shapes, 3 where none says it.
std::vector<int64_t> dims_for(const Kernel& kernel, std::span<const HostArray> given) {
  std::vector<int64_t> dims;
  for (const std::string& name : kernel.dims) {
    int64_t value = std::max<int64_t>(3, kernel.facts.of(name).lowest);
    size_t next = 0;
    for (const Buffer* b : kernel.params) {
      if (b->kind == BufferKind::Output || next >= given.size()) continue;
      const HostArray& array = given[next++];
      for (size_t a = 0; a < b->shape.size() && a < array.shape().size(); ++a)
        if (b->shape[a].symbol_name() == name) value = array.shape()[a];
    }
    dims.push_back(value);
  }
  return dims;
}

/// The values of a kernel's dimensions, in its order.
class Dims {
 public:
  Dims(const Kernel& kernel, std::vector<int64_t> values) : kernel_(kernel), values_(std::move(values)) {}

  std::span<const int64_t> values() const { return values_; }
  std::vector<int64_t> shape(const Buffer& buffer) const {
    std::vector<int64_t> shape;
    for (ir::Dim d : buffer.shape) shape.push_back(d.evaluate([&](std::string_view name) { return of(name); }));
    return shape;
  }

 private:
  int64_t of(std::string_view name) const {
    for (size_t i = 0; i < values_.size(); ++i)
      if (kernel_.dims[i] == name) return values_[i];
    throw base::Error(base::code::kLoopRule, fmt::format("the dimension {} is not one of the kernel's", name));
  }

  const Kernel& kernel_;
  std::vector<int64_t> values_;
};

/// What a back end takes. Without a schedule that is the kernel as written.
Kernel as_compiled(const Kernel& kernel, const LoopOptions& options) {
  if (options.schedule) return kernel;
  Kernel written = kernel;
  written.body = expand_joining(*kernel.context, kernel.body);
  return written;
}

/// Random arrays for the parameters; positions are small, so that most lie inside.
std::vector<HostArray> random_arrays(const Kernel& kernel, const Dims& dims, uint64_t seed) {
  std::vector<HostArray> arrays;
  for (const Buffer* b : kernel.params) {
    ir::Shape shape;
    for (const int64_t extent : dims.shape(*b)) shape.push_back(extent);
    ir::SampleOperand operand{ir::Type::of(b->dtype, shape), ir::SampleOperand::Domain::Normal};
    if (ir::is_int(b->dtype)) operand = {operand.type, ir::SampleOperand::Domain::Index, 3};
    arrays.push_back(ops::sample_array(operand, seed * 1000003 + arrays.size()));
  }
  return arrays;
}

/// `kernel` is `naive` or a schedule of it: arguments have the shapes of the naive one.
void run_kernel(const Kernel& naive, const Kernel& kernel, const LoopOptions& options) {
  std::vector<HostArray> given;
  for (const std::string& text : options.arguments) given.push_back(array_given(text));
  const Dims dims(naive, dims_for(naive, given));
  std::vector<HostArray> arrays = random_arrays(naive, dims, options.seed);
  size_t next = 0;
  for (size_t i = 0; i < arrays.size(); ++i) {
    const Buffer* const b = naive.params[i];
    const std::vector<int64_t> shape = dims.shape(*b);
    if (b->kind == BufferKind::Output) {
      arrays[i] = HostArray(b->dtype, shape);
    } else if (next < given.size()) {
      const HostArray& argument = given[next++];
      if (argument.dtype() != b->dtype || argument.shape() != shape)
        throw base::Error(
            base::code::kArgumentMismatch,
            fmt::format("%{} of @{} should be {}{}, found {}", b->name, naive.name, ir::dtype_name(b->dtype),
                        ir::shape_str(b->shape), ir::print_array(argument).substr(0, 40)));
      arrays[i] = argument.clone();
    }
  }
  // Machine code trusts its kernel, and this one comes from a file.
  compiler::KernelRun run = compiler::run_checked(naive, dims.values(), arrays);
  if (options.native)
    run = compiler::NativeKernel(*options.target, as_compiled(kernel, options)).run_on_copies(dims.values(), arrays);
  else if (options.schedule)
    run = compiler::run_interpreted(kernel, dims.values(), arrays);
  if (run.status.code != 0) print_out(fmt::format("status: code {}, index {}\n", run.status.code, run.status.index));
  for (size_t i = 0; i < run.buffers.size(); ++i)
    if (naive.params[i]->kind != BufferKind::Input)
      print_out(fmt::format("%{}: {}\n", naive.params[i]->name, ir::print_array(run.buffers[i])));
}

// Schedules.

/// Both in the loop interpreter, for other values of the symbolic dimensions each time.
void check_schedule(const Kernel& naive, const Kernel& scheduled, const LoopOptions& options) {
  for (int run = 0; run < options.runs; ++run) {
    std::vector<int64_t> values = dims_for(naive, {});
    for (size_t i = 0; i < values.size(); ++i) values[i] += run * (7 + i);
    const Dims dims(naive, std::move(values));
    const auto arrays = random_arrays(naive, dims, options.seed + run);
    const compiler::KernelRun expected = compiler::run_checked(naive, dims.values(), arrays);
    std::string text = compiler::schedule_difference(naive, expected, scheduled, dims.values(), arrays);
    if (text.empty() && options.native)
      text = compiler::difference(
          naive, expected, compiler::NativeKernel(*options.target, scheduled).run_on_copies(dims.values(), arrays));
    if (!text.empty())
      throw base::Error(base::code::kWrongResult,
                        fmt::format("@{}: the schedule changes the results with the dimensions {}: {}", naive.name,
                                    fmt::join(dims.values(), ", "), text));
  }
  std::fputs(fmt::format("@{}: the same bits on {} sets of random arguments\n", naive.name, options.runs).c_str(),
             stderr);
}

Kernel scheduled(const Kernel& naive, const LoopOptions& options) {
  compiler::ScheduleReport report;
  Kernel made = options.target->schedule(
      naive, &report, {.rewrites = *options.schedule == "auto" ? "" : *options.schedule, .is_strict = true});
  const std::string_view target = options.target->isa();
  print_out(fmt::format("// @{} for {}:\n// {}\n//   {}\n", naive.name, target,
                        compiler::entry_head(compiler::nest_key(naive), target), fmt::join(report.lines, "\n//   ")));
  if (options.check_equivalence) check_schedule(naive, made, options);
  return made;
}

}  // namespace

int run_on_loops(std::string_view text, const LoopOptions& options) {
  if (options.check_equivalence && !options.schedule)
    throw base::Error(base::code::kCommandLine,
                      "--check-equivalence of loop programs compares a schedule, and there is none")
        .hint("--schedule auto takes the compiler's own");
  auto kernels = parse_kernels(text);
  if (kernels.value().empty()) throw base::Error(base::code::kMalformedLoops, "the text holds no kernel");
  for (const Kernel& naive : kernels.value()) {
    const Kernel kernel = options.schedule ? scheduled(naive, options) : naive;
    if (options.interpret || (options.native && !options.check_equivalence))
      run_kernel(naive, kernel, options);
    else if (!options.check_equivalence)
      print_out(print(kernel));
  }
  return 0;
}

}  // namespace strata::cli
