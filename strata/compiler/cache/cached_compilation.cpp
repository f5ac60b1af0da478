#include "strata/compiler/cache/cached_compilation.h"

#include <algorithm>
#include <utility>

#include "strata/base/error/error.h"
#include "strata/base/trace/span.h"
#include "strata/compiler/cache/program_key.h"
#include "strata/compiler/run_passes.h"
#include "strata/ir/plan/same_plan.h"
#include "strata/ops/list.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/runtime/program/program_file.h"

namespace strata::compiler {

using runtime::BoundKernel;
using runtime::Executable;

CachedCompilation::CachedCompilation(const std::shared_ptr<const ir::Graph>& graph, const CompileOptions& options)
    : graph_(graph), options_(options), lowering_(options) {
  if (cache_.has_folder()) key_ = program_key(*graph, options, lowering_);
}

std::shared_ptr<const Executable> CachedCompilation::find() const {
  if (!key_ || !dump_folder_from_environment(*graph_).empty()) return nullptr;
  const base::Span span("find in the cache", "compiler");
  const auto cached = [&] {
    const base::Span part("read the program", "compiler");
    return cache_.read(*key_);
  }();
  if (!cached) return nullptr;
  runtime::require_not_cancelled(graph_->name().c_str());
  try {
    const auto kernels = [&] {
      const base::Span part("load its kernels", "compiler");
      return KernelMaker(lowering_).find(cached->kernels);
    }();
    return kernels ? assembled(*cached, *kernels) : nullptr;
  } catch (const base::Error&) {  // it is compiled again, which says what is wrong if that was not the file
    EntryFiles::tell_damaged(cache_.path_of(*key_));
    return nullptr;
  }
}

std::shared_ptr<const Executable> CachedCompilation::assembled(const CachedProgram& cached,
                                                               std::span<const ReadyKernel> kernels) const {
  std::vector<BoundKernel> bound;
  for (const ReadyKernel& k : kernels) {
    BoundKernel& b = bound.emplace_back();
    b.run = k.code.run;
    b.needs = k.code.needs;
    b.code = k.object;
    b.native = k.object->native();
  }
  const auto compile_with = [](CompileOptions options) {
    return [options = std::move(options)](const std::shared_ptr<const ir::Graph>& graph) {
      return compile(graph, options);
    };
  };
  const runtime::ReadProgramOptions how{.ops = ops::op_table(),
                                        .compile = compile_with(options_),
                                        .compile_part = compile_with(options_of_parts(options_)),
                                        .recorded = [graph = graph_] { return graph; }};
  return runtime::read_program_image(std::as_bytes(std::span(cached.image)), cache_.path_of(*key_), bound, how).program;
}

void CachedCompilation::keep(const Executable& program, const KnownKernels& known) const {
  if (!key_) return;
  const base::Span span("keep in the cache", "compiler");
  try {
    runtime::ProgramImage image = runtime::program_image(program, {.with_recorded = false});
    CachedProgram cached;
    std::vector<BoundKernel> bound(image.kernels.size());
    for (const runtime::LinkedKernel& k : image.kernels) {
      const auto at = known.find(k.object.get());
      if (at == known.end() || at->second.name != k.name) return;
      cached.kernels.push_back(at->second);
    }
    cached.image = std::move(image.bytes);
    const auto again =
        runtime::read_program_image(std::as_bytes(std::span(cached.image)), "the program", bound,
                                    {.ops = ops::op_table(), .recorded = [graph = graph_] { return graph; }});
    if (ir::same_plan(again.program->plan(), program.plan())) cache_.write(*key_, cached);
  } catch (const base::Error&) {  // its kernels are no machine code, or its plan has no text that can be read
  }
}

}  // namespace strata::compiler
