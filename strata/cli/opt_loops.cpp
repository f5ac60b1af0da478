#include "strata/cli/opt_loops.h"

#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/cli/command.h"
#include "strata/ir/interpret.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/text_form.h"
#include "strata/ir/text/text_form.h"

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

void interpret_kernel(const Kernel& kernel, const LoopOptions& options) {
  std::vector<HostArray> given;
  for (const std::string& text : options.arguments) given.push_back(ir::parse_array(text).value());
  const std::vector<int64_t> dims = dims_for(kernel, given);
  auto value_of = [&](ir::Dim d) {
    return d.evaluate([&](std::string_view name) {
      for (size_t i = 0; i < dims.size(); ++i)
        if (kernel.dims[i] == name) return dims[i];
      throw base::Error("E0121", fmt::format("the dimension {} is not one of the kernel's", name));
    });
  };
  std::vector<HostArray> arrays;
  std::vector<void*> buffers;
  size_t next = 0;
  for (const Buffer* b : kernel.params) {
    std::vector<int64_t> shape;
    for (ir::Dim d : b->shape) shape.push_back(value_of(d));
    HostArray array(b->dtype, shape);
    if (b->kind != BufferKind::Output && next < given.size()) {
      array = given[next++].clone();
      if (array.dtype() != b->dtype || array.shape() != shape)
        throw base::Error(
            "E0110", fmt::format("%{} of @{} should be {}{}, found {}", b->name, kernel.name, ir::dtype_name(b->dtype),
                                 ir::shape_str(b->shape), ir::print_array(array).substr(0, 40)));
    }
    arrays.push_back(std::move(array));
    buffers.push_back(arrays.back().data());
  }
  RunStatus status;
  interpret(kernel, buffers, dims, status);
  if (status.code != 0) print_out(fmt::format("status: code {}, index {}\n", status.code, status.index));
  for (size_t i = 0; i < arrays.size(); ++i)
    if (kernel.params[i]->kind != BufferKind::Input)
      print_out(fmt::format("%{}: {}\n", kernel.params[i]->name, ir::print_array(arrays[i])));
}

}  // namespace

int run_on_loops(std::string_view text, const LoopOptions& options) {
  auto kernels = parse_kernels(text);
  if (kernels.value().empty()) throw base::Error("E0120", "the text holds no kernel");
  for (const Kernel& kernel : kernels.value()) {
    if (options.interpret)
      interpret_kernel(kernel, options);
    else
      print_out(print(kernel));
  }
  return 0;
}

}  // namespace strata::cli
