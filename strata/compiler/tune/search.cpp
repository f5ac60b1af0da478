#include "strata/compiler/tune/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace strata::compiler::tune {

namespace {

constexpr double kFailed = std::numeric_limits<double>::infinity();

}  // namespace

KernelSearch::KernelSearch(ScheduleSpace space, int group, uint64_t seed, SearchOptions options)
    : space_(std::move(space)),
      group_(group),
      random_(base::mix_bits(seed + static_cast<uint64_t>(group) * 977 + 1)),
      options_(options) {
  if (auto first = space_.heuristic()) heuristic_ = best_ = std::move(*first);
}

bool KernelSearch::begin(Bench& bench, std::string& failure) {
  const Trial trial = bench.measure(heuristic_.rewrites, Effort::Thorough);
  seen_.insert(heuristic_.rewrites);
  heuristic_seconds_ = trial.seconds;
  measured_.push_back({heuristic_, 1});
  failure = fmt::format("the schedule of the heuristic {}: {}", outcome_name(trial.outcome), trial.reason);
  return trial.outcome == Outcome::Measured && trial.seconds > 0;
}

void KernelSearch::suggest(const std::string& rewrites) { add_new(suggested_, space_.of(rewrites)); }

bool KernelSearch::round(Bench& bench, CostModel& model, base::FunctionRef<bool()> should_stop) {
  for (const Candidate& candidate : std::exchange(suggested_, {})) {
    if (should_stop()) return true;
    try_one(bench, candidate, model);
  }
  std::vector<Candidate> pool = drawn(model);
  if (pool.empty()) return false;
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < pool.size(); ++i) {
    const bool is_explored = !model.is_ready() || random_.unit() < options_.explored;
    // What is explored comes in any order, among what the model would take first.
    order.emplace_back(
        is_explored ? 1e6 * random_.unit() - 1e6 * (1 - options_.explored) : model.score(pool[i].features), i);
  }
  std::sort(order.begin(), order.end(), std::greater<>());
  for (size_t i = 0; i < order.size() && i < static_cast<size_t>(options_.measured); ++i) {
    if (should_stop()) return true;
    try_one(bench, pool[order[i].second], model);
  }
  model.fit();
  return true;
}

void KernelSearch::add_new(std::vector<Candidate>& pool, std::optional<Candidate> candidate) {
  if (candidate && seen_.insert(candidate->rewrites).second) pool.push_back(std::move(*candidate));
}

/// One of the best, the better the likelier.
const Candidate& KernelSearch::parent() {
  const size_t few = std::min<size_t>(measured_.size(), 12);
  std::partial_sort(measured_.begin(), measured_.begin() + static_cast<std::ptrdiff_t>(few), measured_.end(),
                    [](const auto& a, const auto& b) { return a.relative < b.relative; });
  const double u = random_.unit();
  return measured_[static_cast<size_t>(u * u * static_cast<double>(few))].candidate;
}

std::vector<Candidate> KernelSearch::drawn(const CostModel& model) {
  std::vector<Candidate> pool;
  const auto wanted = static_cast<size_t>(options_.drawn);
  for (int draw = 0; draw < 3 * options_.drawn && pool.size() < wanted; ++draw) {
    const double u = random_.unit();
    if (u < 0.25) {
      add_new(pool, space_.random(random_));
    } else if (u < 0.5 && measured_.size() > 2) {
      const Candidate a = parent();
      add_new(pool, space_.crossing(a, parent(), random_));
    } else {
      add_new(pool, space_.mutation(parent(), random_));
    }
    // A second generation, of what the model likes.
    if (model.is_ready() && pool.size() > wanted / 2 && random_.below(3) == 0) {
      const auto best = std::ranges::max_element(
          pool, {}, [&](const Candidate& candidate) { return model.score(candidate.features); });
      const Candidate liked = *best;
      add_new(pool, space_.mutation(liked, random_));
    }
  }
  return pool;
}

void KernelSearch::try_one(Bench& bench, const Candidate& candidate, CostModel& model) {
  const Trial trial = bench.measure(candidate.rewrites, Effort::Quick);
  ++trials_;
  const auto outcome = static_cast<size_t>(trial.outcome);
  ++outcomes_[outcome];
  if (reasons_[outcome].empty() && !trial.reason.empty()) reasons_[outcome] = trial.reason + "\n" + candidate.rewrites;
  const double relative = trial.outcome == Outcome::Measured ? trial.quotient * best_relative_ : kFailed;
  measured_.push_back({candidate, relative});
  model.add(group_, candidate.features, relative);
  if (trial.outcome == Outcome::Measured && trial.quotient < 1 - options_.least_gain) keep(bench, candidate);
  progress_.push_back(best_relative_);
}

/// What won once may have been lucky: only a second, longer contest makes it the best.
void KernelSearch::keep(Bench& bench, const Candidate& candidate) {
  const Trial trial = bench.measure(candidate.rewrites, Effort::Thorough);
  if (trial.outcome != Outcome::Measured || trial.quotient >= 1 - options_.least_gain) return;
  if (!bench.promote(candidate.rewrites)) return;
  best_ = candidate;
  best_relative_ *= trial.quotient;
}

}  // namespace strata::compiler::tune
