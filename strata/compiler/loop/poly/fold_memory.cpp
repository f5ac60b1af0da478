#include "strata/compiler/loop/poly/fold_memory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <isl/aff.h>
#include <isl/set.h>

#include <algorithm>
#include <bit>
#include <optional>

namespace strata::compiler::poly {
namespace {

/// Remainders by powers of two cost an `and`.
constexpr int64_t kMostRounded = 64;
/// What one axis of a task's own memory may have: beyond, it is no fold.
constexpr int64_t kLongestAxis = int64_t{1} << 20;

/// iteration -> element, of one array within one phase.
struct Uses {
  isl::union_map writes, all;
};

Uses uses_of(const ControlPart& part, int array, const isl::union_set& domain, const IslSession& isl) {
  Uses uses{isl.union_map("{ }"), isl.union_map("{ }")};
  for (const Statement& statement : part.statements)
    for (const ArrayAccess& access : statement.accesses) {
      if (access.array != array) continue;
      const isl::union_map here = isl::union_map(access.relation).intersect_domain(domain);
      uses.all = uses.all.unite(here);
      if (access.is_write) uses.writes = uses.writes.unite(here);
    }
  return uses;
}

/// The time of an iteration without the innermost coordinate, whose iterations may run at once.
isl::union_map coarse_time(const Phase& phase, const IslSession& isl) {
  const size_t size = phase.time_size;
  const size_t kept = phase.innermost >= 0 ? size - 1 : size;
  return phase.time.apply_range(isl.union_map(fmt::format("{{ [{}] -> [{}] }}", names("a", size), names("a", kept))));
}

/// Pairs of elements in conflict.
isl::union_map conflicts_of(const Phase& phase, const Uses& uses, const IslSession& isl) {
  const isl::union_map time = side_by_side(phase.tiles, coarse_time(phase, isl));
  const size_t outer = phase.outer.size();
  const size_t size = outer + phase.time_size - (phase.innermost >= 0 ? 1 : 0);
  std::string same = "1 = 1";
  for (size_t i = 0; i < outer; ++i) same += fmt::format(" and a{0} = b{0}", i);
  std::string all_same = same;
  for (size_t i = outer; i < size; ++i) all_same += fmt::format(" and a{0} = b{0}", i);
  const isl::union_map not_later =
      isl.union_map(fmt::format("{{ [{}] -> [{}] : {} and ({} or ({})) }}", names("a", size), names("b", size), same,
                                lexically_before(outer, size), all_same));
  const isl::union_map written = uses.writes.reverse().apply_range(time), used = uses.all.reverse().apply_range(time);
  const isl::union_map before = written.apply_range(not_later).apply_range(used.reverse());
  return before.intersect(before.reverse());
}

/// The largest distance along an axis of the pairs, if it is bounded.
std::optional<int64_t> largest_distance(const isl::union_map& pairs, size_t axis) {
  int64_t largest = 0;
  bool is_bounded = true;
  pairs.foreach_map([&](const isl::map& map) {
    const isl::val most = map.deltas().dim_max_val(static_cast<int>(axis));
    if (!most.is_int() || most.gt(kLongestAxis)) {
      is_bounded = false;
      return;
    }
    largest = std::max<int64_t>(largest, most.num_si());
  });
  return is_bounded ? std::optional(largest) : std::nullopt;
}

/// From the first iteration of a loop to the last one.
FoldedAxis whole_axis(const isl::set& touched, size_t axis) {
  return {.lowest = isl::manage(isl_set_dim_min(isl::set(touched).release(), static_cast<int>(axis))),
          .highest = isl::manage(isl_set_dim_max(isl::set(touched).release(), static_cast<int>(axis)))};
}

FoldedArray fold_array(const ControlPart& part, int number, const Phase& phase, const IslSession& isl) {
  const Array& array = part.arrays[number];
  FoldedArray folded{.array = number};
  const Uses uses = uses_of(part, number, phase.domain, isl);
  isl::union_map conflicts = conflicts_of(phase, uses, isl);
  const isl::union_map in_task = uses.all.reverse().apply_range(phase.tiles);
  const isl::union_map together = in_task.apply_range(in_task.reverse());
  const isl::union_set touched = domain_of_tile(part, phase, isl).apply(uses.all);
  if (touched.is_empty()) {  // nobody needs what it holds
    folded.axes.assign(array.rank, {.kind = FoldedAxis::Offset, .extent = 1});
    return folded;
  }
  for (size_t axis = 0; axis < array.rank; ++axis) {
    const auto apart = largest_distance(conflicts, axis), wide = largest_distance(together, axis);
    FoldedAxis& made = folded.axes.emplace_back();
    const bool is_last = axis + 1 == array.rank;
    if (wide && (is_last || !apart || *wide <= *apart)) {
      made = {FoldedAxis::Offset, *wide + 1, {}};
      made.lowest = isl::manage(isl_set_dim_min(isl::set(touched.as_set()).release(), static_cast<int>(axis)));
    } else if (apart) {
      const int64_t least = *apart + 1;
      made = {FoldedAxis::Modulo,
              least <= kMostRounded ? static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(least))) : least,
              {}};
    } else if (axis < array.expanded.size()) {
      made = whole_axis(phase.domain.apply(uses.all).as_set(), axis);
    }
    // From here on only elements that agree so far can meet.
    conflicts = conflicts.intersect(isl.union_map(fmt::format("{{ {0}[{1}] -> {0}[{2}] : a{3} = b{3} }}", array.name,
                                                              names("a", array.rank), names("b", array.rank), axis)));
  }
  return folded;
}

}  // namespace

std::string outer_name(const ControlPart& part, size_t number) {
  std::string name = fmt::format("o{}", number);
  while (part.parameters.contains(name)) name += "_";
  return name;
}

isl::union_set domain_of_tile(const ControlPart& part, const Phase& phase, const IslSession& isl) {
  if (phase.outer.empty()) return phase.domain;
  std::vector<std::string> all;
  for (size_t i = 0; i < phase.outer.size(); ++i) all.push_back(outer_name(part, i));
  const std::string list = fmt::format("{}", fmt::join(all, ", "));
  return phase.tiles.intersect_range(isl.union_set(fmt::format("[{0}] -> {{ [{0}] }}", list))).domain();
}

std::string shared_array(const ControlPart& part, const std::vector<Phase>& phases, const Dependences& dependences,
                         const IslSession& isl) {
  for (size_t a = 0; a < part.arrays.size(); ++a) {
    if (!part.arrays[a].is_private) continue;
    int phases_with = 0;
    for (const Phase& phase : phases) {
      const Uses uses = uses_of(part, static_cast<int>(a), phase.domain, isl);
      if (uses.all.is_empty()) continue;
      ++phases_with;
      if (phase.overlapped) continue;  // each task makes its own
      // A value that goes from one tile to another goes through this array.
      const isl::union_map passed = uses.writes.apply_range(uses.all.reverse()).intersect(dependences.flow);
      const isl::union_map by_tile = passed.apply_domain(phase.tiles).apply_range(phase.tiles);
      const size_t outer = phase.outer.size();
      std::string same = "1 = 1";
      for (size_t i = 0; i < outer; ++i) same += fmt::format(" and a{0} = b{0}", i);
      if (!by_tile.is_subset(
              isl.union_map(fmt::format("{{ [{}] -> [{}] : {} }}", names("a", outer), names("b", outer), same))))
        return part.arrays[a].name;
    }
    if (phases_with > 1) return part.arrays[a].name;
  }
  return {};
}

std::vector<FoldedArray> fold_private_arrays(const ControlPart& part, const std::vector<Phase>& phases,
                                             const IslSession& isl) {
  std::vector<FoldedArray> all;
  for (size_t a = 0; a < part.arrays.size(); ++a) {
    if (!part.arrays[a].is_private) continue;
    std::vector<size_t> with;
    for (size_t p = 0; p < phases.size(); ++p)
      if (!uses_of(part, static_cast<int>(a), phases[p].domain, isl).all.is_empty()) with.push_back(p);
    if (with.empty()) continue;
    FoldedArray folded;
    if (with.size() == 1) {
      folded = fold_array(part, static_cast<int>(a), phases[with[0]], isl);
    } else {
      folded.array = static_cast<int>(a);
      folded.axes.resize(part.arrays[a].rank);
      const isl::set touched = part.domain.apply(uses_of(part, static_cast<int>(a), part.domain, isl).all).as_set();
      for (size_t axis = 0; axis < part.arrays[a].expanded.size(); ++axis)
        folded.axes[axis] = whole_axis(touched, axis);
    }
    folded.phase = with[0];
    all.push_back(std::move(folded));
  }
  return all;
}

}  // namespace strata::compiler::poly
