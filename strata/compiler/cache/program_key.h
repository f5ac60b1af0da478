// What a compiled program depends on, as one hash: the recorded graph to its last node, dead ones included, since
// passes count uses and keep the order; the names and source positions in it, since messages name them; the target, the
// options, the schedules and this build. Two graphs with the same key compile to the same plan of the same kernels.
#pragma once

#include <optional>
#include <string_view>

#include "strata/base/bytes/hash.h"
#include "strata/compiler/compile.h"

namespace strata::compiler {

class KernelLowering;

/// `lowering` is that of the options. Nothing for a program that is not to be kept on disk: its memory has a budget,
/// for which plans are made of the kernels' graph at each binding; its kernels run on another device than this
/// machine's processor; or its source of schedules can't be told from another.
std::optional<base::Hash128> program_key(const ir::Graph& graph, const CompileOptions& options,
                                         const KernelLowering& lowering);

}  // namespace strata::compiler
