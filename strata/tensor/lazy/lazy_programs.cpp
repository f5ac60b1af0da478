#include "strata/tensor/lazy/lazy_programs.h"

#include "strata/base/error/error.h"
#include "strata/base/trace/log.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/tensor/lazy/background.h"
#include "strata/tensor/lazy/compilation.h"
#include "strata/tensor/lazy/donations.h"
#include "strata/tensor/lazy/pieces.h"
#include "strata/tensor/lazy/programs.h"

namespace strata::lazy {
namespace {

using ir::HostArray;
using Graph = std::shared_ptr<ir::Graph>;

/// About 60 kB each.
constexpr size_t kMostPrograms = 1024, kMostPieces = 4096, kMostCuts = 256;
/// A recording that comes so often is compiled as one program: code that runs once is not.
constexpr int64_t kSeenOften = 2;

/// A listed registry: the programs that this process used last.
struct Registry {
  Programs whole{kMostPrograms, Programs::Guess::None};
  Programs pieces{kMostPieces, Programs::Guess::AllVary};
  std::mutex lock;                                                   ///< of what follows
  base::RecentTable<std::shared_ptr<const Pieces>> cuts{kMostCuts};  ///< null: runs whole
};
Registry& registry() {
  static auto* all = new Registry;
  return *all;
}

std::shared_ptr<const Pieces> pieces_of(const Graph& graph, base::Hash128 exact) {
  {
    const std::lock_guard hold(registry().lock);
    if (const auto* known = registry().cuts.find(exact)) return *known;
  }
  std::shared_ptr<const Pieces> pieces = Pieces::of(graph);
  const std::lock_guard hold(registry().lock);
  return registry().cuts.keep(exact, std::move(pieces));
}

void compile_beside(const Segment& segment, base::Hash128 exact, Missing missing, std::vector<ir::Donation> donations) {
  if (!registry().whole.claim(segment)) return;
  const bool is_posted =
      post_compilation([segment, exact, missing = std::move(missing), donations = std::move(donations)] {
        try {
          registry().whole.compile(segment, exact, missing, donations);
        } catch (const std::exception& error) {
          if (!runtime::CancelScope::is_cancelled())
            base::log_warn("a lazy recording of {} goes on op by op, since it can't be compiled: {}",
                           lines_of(*segment.graph), error.what());
        }
      });
  if (!is_posted) registry().whole.release(segment);
}

}  // namespace

std::vector<HostArray> run(const Graph& graph, std::vector<HostArray>&& arguments, std::span<const int> dying) {
  LazyCompilation how = lazy_compilation();
  if (how == LazyCompilation::Background && !may_compile_beside()) how = LazyCompilation::AtOnce;
  const base::Hash128 exact = exact_key(*graph);
  Programs& whole = registry().whole;
  if (how == LazyCompilation::Never) {
    if (const auto pieces = pieces_of(graph, exact)) return pieces->run(registry().pieces, arguments);
  } else if (auto known = whole.find(exact)) {
    return known->run(std::move(arguments));
  }

  const Segment segment = segment_of(graph);
  auto found = whole.look_up(segment, exact);
  if (Use* use = std::get_if<Use>(&found)) return use->run(std::move(arguments));
  Missing& missing = std::get<Missing>(found);
  const auto pieces = how == LazyCompilation::Background ? pieces_of(graph, exact) : nullptr;
  if (!pieces)
    return whole.compile(segment, exact, std::move(missing), donations_of(*segment.graph, dying))
        .run(std::move(arguments));
  if (missing.may_compile && missing.seen >= kSeenOften)
    compile_beside(segment, exact, std::move(missing), donations_of(*segment.graph, dying));
  whole.note_pieces(segment);
  return pieces->run(registry().pieces, arguments);
}

base::Json programs_json() {
  base::Json single = registry().pieces.json();
  int64_t compilations = 0;
  for (const base::Json& family : single.items()) compilations += family.at("compilations").as_int();
  return base::Json::object()
      .set("recordings", registry().whole.json())
      .set("kinds_of_single_ops", single.size())
      .set("compilations_of_single_ops", compilations);
}

}  // namespace strata::lazy
