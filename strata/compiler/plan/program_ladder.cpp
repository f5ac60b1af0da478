#include "strata/compiler/plan/program_ladder.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "strata/compiler/plan/memory_budget.h"
#include "strata/ops/control/control.h"

namespace strata::compiler {
namespace {

/// What the steps of a loop are taken to be whose number nobody knows.
constexpr double kTypicalSteps = 64;
/// Lengths of segments that are tried for a pair of scans: 1, and those next to the root of their steps.
constexpr size_t kMostLengths = 4;

std::vector<int64_t> lengths_to_try(const ScanPair& pair) {
  std::vector<int64_t> lengths = segment_lengths(pair);
  const double root = std::sqrt(static_cast<double>(lengths.back() * 2));
  const auto distance = [&](int64_t k) { return std::abs(std::log(static_cast<double>(k) / root)); };
  std::stable_sort(lengths.begin() + 1, lengths.end(), [&](int64_t a, int64_t b) { return distance(a) < distance(b); });
  lengths.resize(std::min(lengths.size(), kMostLengths));
  return lengths;
}

}  // namespace

/// A program as it could run.
struct ProgramLadder::Version {
  std::shared_ptr<const ProgramParts> parts;
  RegionPrograms regions;
  std::shared_ptr<const runtime::Executable> program;
  int64_t bytes = 0;
};

/// What can be done next.
struct ProgramLadder::Step {
  int64_t freed = 0;
  double seconds = 0;
  Version version;
  std::function<void()> take;  ///< behind it, that version runs
  double score() const { return static_cast<double>(freed) / std::max(seconds, 1e-9); }
};

/// The ladder of a region, and whether its rung is one that the program does not have yet.
struct ProgramLadder::LoopRegion {
  ProgramLadder ladder;
  double seconds_before = 0;
  bool is_ahead = false, is_at_end = false;
};

ProgramLadder::ProgramLadder(const std::shared_ptr<const ProgramParts>& parts, const ir::DimBinding& dims)
    : dims_(dims) {
  now_ = std::make_unique<Version>(assembled(parts, nullptr, parts->region_programs));
  rung_ = now_->program;
  rung_bytes_ = now_->bytes;
}
ProgramLadder::~ProgramLadder() = default;

bool ProgramLadder::next() {
  if (!kernels_) start();
  while (std::optional<Step> step = best_step()) {
    *now_ = std::move(step->version);
    step->take();
    if (now_->bytes >= rung_bytes_) continue;
    rung_ = now_->program;
    rung_bytes_ = now_->bytes;
    rung_seconds_ = loop_seconds_ + (sequence_ ? seconds_of(*sequence_) : 0);
    for (const auto& [graph, region] : regions_) rung_seconds_ += region->seconds_before;
    return true;
  }
  return false;
}

/// The ladder of kernels begins anew, with the parts that there are now.
void ProgramLadder::start() {
  kernels_ = nullptr;
  costs_ = std::make_unique<RepeatCosts>(now_->parts->request, *now_->parts->plan, dims_);
  kernels_ = std::make_unique<RecomputeLadder>(costs_->request());
  sequence_ = nullptr;
  next_sequence_ = nullptr;
  has_next_sequence_ = true;
}

ProgramLadder::Version ProgramLadder::assembled(const std::shared_ptr<const ProgramParts>& parts,
                                                const Sequence* sequence, const RegionPrograms& regions) const {
  PlanRequest request = parts->request;
  if (sequence) {
    const RepeatedGraph repeated = with_repeats(*parts->request.graph, *sequence);
    request = with_origin(parts->request, repeated.graph, repeated.origin);
    request.is_ordered = true;
  }
  request.regions = plans_of(regions);
  Version version{parts, regions, assemble(*parts, make_plan(request), regions, {.empty_axes = parts->empty_axes})};
  version.bytes = memory_peak(*version.program, dims_).bytes;
  return version;
}

/// Of what the sequence repeats.
double ProgramLadder::seconds_of(const Sequence& sequence) const {
  std::map<const ir::Node*, double> seconds;
  for (const ir::PlanCommand& c : now_->parts->plan->commands) seconds[c.node] = costs_->seconds(c);
  double sum = 0;
  for (const ir::Node* n : sequence) sum += seconds[n];
  for (const auto& [node, of_node] : seconds) sum -= of_node;
  return sum;
}

double ProgramLadder::steps_of(const ir::Node& loop) const {
  if (loop.op == &ops::kScan) return static_cast<double>(costs_->size(loop.attrs.dims("length")[0]));
  return loop.op == &ops::kCond ? 1 : kTypicalSteps;
}

double ProgramLadder::seconds_of_body(const ir::Graph* region) const {
  const ProgramParts& body = *now_->parts->regions.at(region);
  const RepeatCosts costs(body.request, *body.plan, dims_);
  double sum = 0;
  for (const ir::PlanCommand& c : body.plan->commands) sum += costs.seconds(c);
  return sum;
}

std::optional<ProgramLadder::Step> ProgramLadder::best_step() {
  std::optional<Step> best;
  for (const auto find :
       {&ProgramLadder::repeated_kernels, &ProgramLadder::smaller_region, &ProgramLadder::loop_in_segments}) {
    std::optional<Step> step = (this->*find)();
    if (step && (!best || step->score() > best->score())) best.emplace(std::move(*step));
  }
  return best;
}

std::optional<ProgramLadder::Step> ProgramLadder::repeated_kernels() {
  if (!next_sequence_ && has_next_sequence_) {
    if (const Sequence* next = kernels_->next()) next_sequence_ = std::make_unique<Sequence>(*next);
    has_next_sequence_ = next_sequence_ != nullptr;
  }
  if (!next_sequence_) return std::nullopt;
  Step step{.version = assembled(now_->parts, next_sequence_.get(), now_->regions)};
  step.freed = now_->bytes - step.version.bytes;
  step.seconds = seconds_of(*next_sequence_) - (sequence_ ? seconds_of(*sequence_) : 0);
  step.take = [this] { sequence_ = std::move(next_sequence_); };
  return step;
}

/// The region that takes most of those that can take less.
std::optional<ProgramLadder::Step> ProgramLadder::smaller_region() {
  LoopRegion* largest = nullptr;
  const ir::Graph* graph = nullptr;
  double steps = 1;
  for (const ir::PlanCommand& c : now_->program->plan().commands) {
    if (c.kind != ir::CommandKind::Host) continue;
    for (const ir::GraphRef& region : c.node->regions()) {
      auto& known = regions_[region.get()];
      if (!known) known.reset(new LoopRegion{ProgramLadder(now_->parts->regions.at(region.get()), dims_)});
      if (!known->is_ahead && !known->is_at_end) {
        known->is_ahead = known->ladder.next();
        known->is_at_end = !known->is_ahead;
      }
      if (!known->is_ahead || (largest && largest->ladder.bytes() >= known->ladder.bytes())) continue;
      largest = known.get();
      graph = region.get();
      steps = steps_of(*c.node);
    }
  }
  if (!largest) return std::nullopt;
  RegionPrograms regions = now_->regions;
  regions[graph] = largest->ladder.program();
  Step step{.version = assembled(now_->parts, sequence_.get(), regions)};
  step.freed = now_->bytes - step.version.bytes;
  const double seconds = largest->ladder.seconds() * steps;
  step.seconds = seconds - largest->seconds_before;
  step.take = [largest, seconds] {
    largest->is_ahead = false;
    largest->seconds_before = seconds;
  };
  return step;
}

std::optional<ProgramLadder::Step> ProgramLadder::loop_in_segments() {
  std::optional<Step> best;
  for (const ScanPair& pair : scan_pairs(*now_->parts->request.graph, now_->parts->request))
    if (std::optional<Step> step = in_segments(pair); step && (!best || step->score() > best->score()))
      best.emplace(std::move(*step));
  if (!best) return std::nullopt;
  best->take = [this, seconds = best->seconds] {
    loop_seconds_ += seconds;
    start();
  };
  return best;
}

/// Compared without what runs twice by now: that is chosen anew.
std::optional<ProgramLadder::Step> ProgramLadder::in_segments(const ScanPair& pair) const {
  const int64_t before = sequence_ ? assembled(now_->parts, nullptr, now_->regions).bytes : now_->bytes;
  std::optional<Step> best;
  for (const int64_t steps : lengths_to_try(pair)) {
    const std::shared_ptr<const ProgramParts> parts = with_segments(*now_->parts, pair, steps);
    RegionPrograms regions = parts->region_programs;
    for (const auto& [graph, program] : now_->regions) regions[graph] = program;
    Step step{.version = assembled(parts, nullptr, regions)};
    step.freed = before - step.version.bytes;
    if (step.freed > 0 && (!best || step.freed > best->freed)) best.emplace(std::move(step));
  }
  if (best) best->seconds = seconds_of_body(pair.forward->regions()[0].get()) * steps_of(*pair.forward);
  return best;
}

}  // namespace strata::compiler
