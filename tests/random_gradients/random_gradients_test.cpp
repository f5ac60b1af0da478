// Gradients of random programs, compiled, against the interpreter, and with a pass left out or at a lower instruction
// set. STRATA_FUZZ_PROGRAMS sets how many programs (144), STRATA_FUZZ_SEED where to begin.
#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/base/testing/fuzz_seeds.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/check/equivalence.h"
#include "strata/compiler/check/error_bounds.h"
#include "strata/compiler/check/native_equivalence.h"
#include "strata/compiler/pipeline.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/graph/verify.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/list.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/testing/random_program.h"
#include "strata/transform/gradient.h"

namespace strata::compiler {
namespace {

constexpr size_t kMostTerms = 4;

/// The sum of the last float values as one scalar, with its gradients; null where a rule says by name that there is
/// none.
std::unique_ptr<ir::Graph> with_gradients(ir::Graph& graph) {
  ir::Value loss;
  std::vector<ir::Value> terms;
  for (size_t i = graph.nodes().size(); i-- > 0 && terms.size() < kMostTerms;)
    if (const ir::Node& node = *graph.nodes()[i];
        node.result_count == 1 && ir::is_float(node.type().dtype()) && node.operand_count > 0)
      terms.push_back(node.result());
  for (const ir::Value& v : terms) {
    ir::Value part = v.rank() ? ops::reduce(ops::kReduceSum, v, {}, ops::Keep::Drop) : v;
    if (loss && part.dtype() != loss.dtype()) part = graph.add1(ops::kCast, {part}, {ir::Attr("to", loss.dtype())});
    loss = loss ? graph.add1(ops::kAdd, {loss, part}) : part;
  }
  if (!loss) return nullptr;
  graph.set_results({loss});
  std::vector<int> wrt;
  for (size_t i = 0; i < graph.parameters().size(); ++i)
    if (ir::is_float(graph.parameters()[i]->type().dtype())) wrt.push_back(i);
  try {
    return transform::value_and_grad(graph, wrt);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::User) throw;
    return nullptr;
  }
}

/// In turn: each pass left out, but for the one without which a barrier of several shapes would have to be a kernel,
/// and each target of this host.
CompileOptions variant(uint64_t seed) {
  const auto passes = pipeline();
  const auto& targets = machine::host_cpu_targets();
  const uint64_t turn = seed % (passes.size() + targets.size());
  if (turn >= passes.size()) return {.target = &compiler::llvm_target_for(targets[turn - passes.size()])};
  const std::string name(passes[turn].name);
  return {.disabled_passes = {name == "drop-barriers" ? "fuse" : name}};
}

/// The programs are shared out among tests, which run side by side.
class RandomGradients : public testing::TestWithParam<uint64_t> {
  const NoDiskCache no_cache_;  ///< thousands of kernels that no one needs again
};
constexpr uint64_t kShares = 4;
INSTANTIATE_TEST_SUITE_P(Share, RandomGradients, testing::Range(uint64_t{0}, kShares));

TEST_P(RandomGradients, CompiledEqualsInterpretedAndNeitherPassNorLevelChangesABit) {
  const base::FuzzSeeds seeds(144, "STRATA_FUZZ_PROGRAMS", GetParam(), kShares);
  uint64_t compared = 0;
  for (uint64_t seed = seeds.first; seed < seeds.end && !HasFailure(); ++seed) {
    const auto kind = seed % 5 ? ops::ProgramKind::Any : ops::ProgramKind::Smooth;
    const ops::RandomProgram program = ops::make_random_program(seed, ops::all_ops(), 6, kind);
    std::string text = "seed " + std::to_string(seed) + "\n" + ir::print_graph(*program.graph);
    try {
      const std::shared_ptr<const ir::Graph> gradients = with_gradients(*program.graph);
      if (!gradients) continue;
      ++compared;
      text += ir::print_graph(*gradients);
      ir::verify_graph(*gradients);
      const auto expected = ir::interpret(*gradients, program.arguments);
      const auto found = run_natively(gradients, program.arguments, {});
      EXPECT_EQ(first_out_of_bounds(expected, found, error_bounds(*gradients, program.arguments, seed)).value_or(""),
                "")
          << text;
      const CompileOptions other = variant(seed);
      const auto difference = first_difference(found, run_natively(gradients, program.arguments, other));
      EXPECT_FALSE(difference) << (other.target ? other.target->name() : other.disabled_passes.at(0)) << ": "
                               << *difference << "\n"
                               << text;
    } catch (const base::Error& error) {
      ADD_FAILURE() << error.text() << "\n" << text;
    }
  }
  if (HasFailure()) return;
  EXPECT_GE(compared * 4, seeds.count()) << "too few programs have gradients for this to say much";
}

}  // namespace
}  // namespace strata::compiler
