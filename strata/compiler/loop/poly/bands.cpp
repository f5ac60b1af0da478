#include "strata/compiler/loop/poly/bands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <isl/options.h>
#include <isl/schedule_node.h>

#include <algorithm>
#include <optional>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/loop/rewrites.h"

namespace strata::compiler::poly {

std::string names(const std::string& prefix, size_t count) {
  std::vector<std::string> all;
  for (size_t i = 0; i < count; ++i) all.push_back(fmt::format("{}{}", prefix, i));
  return fmt::format("{}", fmt::join(all, ", "));
}

namespace {

std::string equal(size_t first, size_t last) {
  std::string text = "1 = 1";
  for (size_t i = first; i < last; ++i) text += fmt::format(" and a{0} = b{0}", i);
  return text;
}

}  // namespace

std::string lexically_before(size_t first, size_t count) {
  std::string text = "(1 = 0";
  for (size_t i = first; i < count; ++i) text += fmt::format(" or ({} and a{} < b{})", equal(first, i), i, i);
  return text + ")";
}

namespace {

/// Of a coordinate along which tiles overlap: what is computed twice is little then.
constexpr int64_t kOverlappedTile = 64;

/// Every map of the union with `size` dimensions of range, zeros behind.
isl::union_map padded(const isl::union_map& of, size_t size, const IslSession& isl) {
  isl::union_map result = isl.union_map("{ }");
  of.foreach_map([&](const isl::map& map) {
    const size_t have = map.range_tuple_dim();
    const std::string more(have < size ? ", 0" : "");
    std::string range = names("a", have);
    for (size_t i = have; i < size; ++i) range += (range.empty() ? "0" : ", 0");
    result = result.unite(map.apply_range(isl.map(fmt::format("{{ [{}] -> [{}] }}", names("a", have), range))));
  });
  return result;
}

size_t most_dimensions(const isl::union_map& of) {
  size_t most = 0;
  of.foreach_map([&](const isl::map& map) { most = std::max<size_t>(most, map.range_tuple_dim()); });
  return most;
}

isl::union_map pairs_within(const isl::union_map& dependences, const isl::union_set& domain) {
  return dependences.intersect_domain(domain).intersect_range(domain);
}

/// The dependences as pairs of times.
isl::union_map in_time(const isl::union_map& dependences, const isl::union_map& time) {
  return dependences.apply_domain(time).apply_range(time);
}

isl::schedule isl_schedule_of(const ControlPart& part, const Dependences& dependences, Fusion fusion) {
  isl_ctx* c = part.domain.ctx().get();
  isl_options_set_schedule_maximize_band_depth(c, 1);
  isl_options_set_schedule_maximize_coincidence(c, 1);
  isl_options_set_schedule_whole_component(c, fusion == Fusion::Most);
  isl_options_set_schedule_serialize_sccs(c, fusion == Fusion::Apart);
  const isl::schedule_constraints constraints = isl::schedule_constraints::on_domain(part.domain)
                                                    .set_context(part.context)
                                                    .set_validity(dependences.all())
                                                    .set_coincidence(dependences.all())
                                                    .set_proximity(dependences.flow);
  try {
    return constraints.compute_schedule();
  } catch (const isl::exception& error) {
    if (!finds_no_schedule(error)) throw;
  }
  // isl bounds coefficients, so that no coordinate runs through two loops at once (i + 5j); it finds more without.
  isl_options_set_schedule_treat_coalescing(c, 0);
  return constraints.compute_schedule();
}

class Finder {
 public:
  Finder(const ControlPart& part, const Dependences& dependences, const BandOptions& options, const IslSession& isl)
      : part_(part), dependences_(dependences.all()), options_(options), isl_(isl), private_flow_(dependences_) {
    isl::union_map own_writes = isl_.union_map("{ }"), own_reads = own_writes, others = own_writes;
    for (const Statement& statement : part.statements)
      for (const ArrayAccess& access : statement.accesses) {
        const isl::union_map relation(access.relation);
        isl::union_map& all = !part.arrays[access.array].is_private ? others : access.is_write ? own_writes : own_reads;
        all = all.unite(relation);
      }
    private_flow_ = own_writes.apply_range(own_reads.reverse()).intersect(dependences.flow);
    others_ = others.apply_range(others.reverse()).intersect(dependences_);
    kept_ = isl_.union_set("{ }");
    for (const Statement& statement : part.statements)
      for (const ArrayAccess& access : statement.accesses)
        if (access.is_write && !part.arrays[access.array].is_private) kept_ = kept_.unite(statement.domain);
  }

  std::vector<Phase> find(const isl::schedule& schedule) {
    if (!part_.domain.is_empty()) collect(schedule.root().child(0), part_.domain);
    for (Phase& phase : phases_) decide(phase);
    check();
    return std::move(phases_);
  }

 private:
  void collect(const isl::schedule_node& node, const isl::union_set& domain) {
    if (node.isa<isl::schedule_node_sequence>() || node.isa<isl::schedule_node_set>()) {
      for (unsigned i = 0; i < node.n_children(); ++i) {
        const auto filter = node.child(static_cast<int>(i)).as<isl::schedule_node_filter>();
        collect(filter.child(0), domain.intersect(filter.filter()));
      }
      return;
    }
    if (domain.is_empty()) return;
    const isl::union_map none = isl_.union_map("{ }");
    Phase phase{.domain = domain, .band = none, .inside = none, .tiles = none, .time = none};
    isl::schedule_node below = node;
    if (node.isa<isl::schedule_node_band>()) {
      const auto band = node.as<isl::schedule_node_band>();
      phase.members = band.n_member();
      for (size_t m = 0; m < phase.members; ++m)
        phase.coincident.push_back(band.member_get_coincident(static_cast<int>(m)));
      phase.band = isl::union_map::from(band.partial_schedule()).intersect_domain(domain);
      below = node.child(0);
    } else {
      phase.band = isl::union_map::from_domain(domain);
    }
    const isl::union_map inside =
        isl::manage(isl_schedule_node_get_subtree_schedule_union_map(below.get())).intersect_domain(domain);
    phase.inner = most_dimensions(inside);
    phase.inside = padded(inside, phase.inner, isl_);
    phases_.push_back(std::move(phase));
  }

  // Decisions.

  void decide(Phase& phase) {
    for (size_t m = 0; m < phase.members && !phase.overlapped; ++m)
      if (can_overlap(phase, m)) phase.overlapped = m;
    choose_sizes(phase);
    choose_outer(phase);
    set_tiles(phase);
    choose_points(phase);
  }

  void choose_sizes(Phase& phase) {
    const auto& given = options_.tile_sizes;
    phase.sizes.assign(phase.members, 0);
    const int along = vector_member(phase);
    const bool has_tasks = std::ranges::find(phase.coincident, true) != phase.coincident.end();
    for (size_t m = 0; m < phase.members; ++m) {
      if (!given.empty()) {
        phase.sizes[m] = m < given.size() ? given[m] : 0;
        continue;
      }
      const bool is_along = along == static_cast<int>(m);
      if (phase.overlapped)
        phase.sizes[m] = phase.overlapped == m ? kOverlappedTile : phase.coincident[m] ? 4096 : 0;
      else if (has_tasks)
        phase.sizes[m] = phase.coincident[m] ? (is_along ? 512 : 16) : 0;
      else if (phase.members > 1)
        phase.sizes[m] = is_along ? 128 : m == 0 ? 16 : 32;  // short in the first, so that waves are wide
    }
  }

  static void choose_outer(Phase& phase) {
    std::vector<size_t> cut;
    for (size_t m = 0; m < phase.members; ++m) {
      if (!phase.sizes[m]) continue;
      cut.push_back(m);
      const bool is_task = phase.coincident[m] || phase.overlapped == m;
      if (is_task && phase.outer.size() < 2) phase.outer.push_back(m);
    }
    if (phase.overlapped && std::ranges::find(phase.outer, *phase.overlapped) == phase.outer.end())
      phase.overlapped.reset();
    if (!phase.outer.empty()) {
      phase.spread = Spread::Tasks;
    } else if (cut.size() >= 2) {
      phase.spread = Spread::Waves;
      phase.outer = {cut[0], cut[1]};
    }
    for (const size_t m : cut)
      if (std::ranges::find(phase.outer, m) == phase.outer.end()) phase.tiled.push_back(m);
  }

  /// The member along which most accesses are contiguous and no access jumps; -1: there is none.
  int vector_member(const Phase& phase) const {
    int best = -1, most = 0;
    for (size_t m = 0; m < phase.members; ++m) {
      int contiguous = 0;
      bool jumps = false;
      for (const Statement& statement : part_.statements) {
        if (statement.domain.intersect(phase.domain).is_empty()) continue;
        for (const ArrayAccess& access : statement.accesses) {
          const Stride stride = stride_along(phase, m, statement, access, isl_);
          contiguous += stride == Stride::Contiguous;
          jumps |= stride == Stride::Other;
        }
      }
      if (!jumps && contiguous > 0 && contiguous >= most) best = static_cast<int>(m), most = contiguous;
    }
    return best;
  }

  void choose_points(Phase& phase) {
    const int along = vector_member(phase);
    for (const bool by_inside : {true, false}) {
      if (along < 0) break;
      if (!try_order(phase, along, by_inside)) continue;
      phase.innermost = along;
      return;
    }
    std::vector<std::string> order;
    for (size_t m = 0; m < phase.members; ++m) order.push_back(fmt::format("m{}", m));
    set_time(phase, order, false);
    if (phase.members < 2 || is_parallel_last(phase, phase.members)) return;
    const std::string p = order[order.size() - 2], q = order.back();
    order[order.size() - 2] = fmt::format("{} + {}", p, q);
    order.back() = p;
    set_time(phase, order, false);
    phase.is_slanted = true;
  }

  /// Puts `along` innermost, behind the order of statements, if that is legal and its iterations are independent then.
  bool try_order(Phase& phase, int along, bool by_inside) {
    std::vector<std::string> order;
    for (size_t m = 0; m < phase.members; ++m)
      if (static_cast<int>(m) != along) order.push_back(fmt::format("m{}", m));
    if (by_inside) {
      for (size_t i = 0; i < phase.inner; ++i) order.push_back(fmt::format("c{}", i));
      if (phase.inner == 0) order.emplace_back("s");
    }
    order.push_back(fmt::format("m{}", along));
    set_time(phase, order, by_inside);
    return is_legal(phase) && is_parallel_last(phase, order.size());
  }

  /// time = tiles, then `order`; then what is inside, if that is not part of it.
  void set_time(Phase& phase, const std::vector<std::string>& order, bool has_inside) {
    std::vector<std::string> time;
    for (const size_t m : phase.tiled) time.push_back(fmt::format("floor(m{}/{})", m, phase.sizes[m]));
    phase.time_tiles = time.size();
    time.insert(time.end(), order.begin(), order.end());
    if (!has_inside)
      for (size_t i = 0; i < phase.inner; ++i) time.push_back(fmt::format("c{}", i));
    const std::string from = fmt::format("{}{}{}{}s", names("m", phase.members), phase.members ? ", " : "",
                                         names("c", phase.inner), phase.inner ? ", " : "");
    const isl::union_map all = side_by_side(side_by_side(phase.band, phase.inside), number_of(phase.domain));
    phase.time = all.apply_range(isl_.union_map(fmt::format("{{ [{}] -> [{}] }}", from, fmt::join(time, ", "))));
    phase.time_size = time.size();
  }

  void set_tiles(Phase& phase) const {
    std::vector<std::string> tiles;
    for (const size_t m : phase.outer) tiles.push_back(fmt::format("floor(m{}/{})", m, phase.sizes[m]));
    phase.tiles = phase.band.apply_range(
        isl_.union_map(fmt::format("{{ [{}] -> [{}] }}", names("m", phase.members), fmt::join(tiles, ", "))));
    if (phase.overlapped) phase.tiles = *with_what_they_need(phase.tiles);
  }

  // Overlapped tiles.

  /// Tiles of iterations that write what is kept, and of all whose values these need; empty if that has no end.
  std::optional<isl::union_map> with_what_they_need(const isl::union_map& tiles) const {
    const isl::union_map kept = tiles.intersect_domain(kept_);
    isl::union_map all = kept;
    for (size_t i = 0; i <= part_.statements.size(); ++i) {
      const isl::union_map more = kept.unite(private_flow_.apply_range(all));
      if (more.is_subset(all)) return all.coalesce();
      all = all.unite(more);
    }
    return std::nullopt;
  }

  /// Whether tiles along `member` pass on nothing but private values, which are made without such a passing on.
  bool can_overlap(const Phase& phase, size_t member) const {
    if (phase.coincident[member] || phase.domain.intersect(kept_).is_empty()) return false;
    const auto& given = options_.tile_sizes;
    const int64_t size = given.empty() ? kOverlappedTile : member < given.size() ? given[member] : 0;
    if (size == 0) return false;
    const auto tiles = with_what_they_need(phase.band.apply_range(
        isl_.union_map(fmt::format("{{ [{}] -> [floor(m{}/{})] }}", names("m", phase.members), member, size))));
    return tiles && others_stay_within(phase, *tiles, 1);
  }

  /// Whether what depends on each other through arrays that all tasks share is in one tile, and in no other: an
  /// iteration that several tiles compute may read what an iteration of one of them overwrites.
  bool others_stay_within(const Phase& phase, const isl::union_map& tiles, size_t coordinates) const {
    const isl::union_map same = isl_.union_map(fmt::format("{{ [{}] -> [{}] : {} }}", names("a", coordinates),
                                                           names("b", coordinates), equal(0, coordinates)));
    return in_time(pairs_within(others_, phase.domain), tiles).is_subset(same);
  }

  /// iteration -> [the number of its statement], as written
  isl::union_map number_of(const isl::union_set& domain) const {
    isl::union_map numbers = isl_.union_map("{ }");
    for (size_t i = 0; i < part_.statements.size(); ++i)
      numbers = numbers.unite(isl::union_map::from_domain_and_range(part_.statements[i].domain,
                                                                    isl_.union_set(fmt::format("{{ [{}] }}", i))));
    return numbers.intersect_domain(domain);
  }

  // Judging.

  bool is_legal(const Phase& phase) const {
    const isl::union_map within = pairs_within(dependences_, phase.domain);
    if (phase.overlapped) {
      // Each task has private arrays and their values of its own; the rest stays within a tile.
      if (!others_stay_within(phase, phase.tiles, phase.outer.size())) return false;
      const isl::union_map legal =
          isl_.union_map(fmt::format("{{ [{}] -> [{}] : {} }}", names("a", phase.time_size),
                                     names("b", phase.time_size), lexically_before(0, phase.time_size)));
      return in_time(within, phase.time).is_subset(legal);
    }
    // A wave before, or in the same task and earlier there.
    const size_t outer = phase.outer.size(), all = outer + phase.time_size;
    std::string earlier = fmt::format("({} and {})", equal(0, outer), lexically_before(outer, all));
    if (phase.spread == Spread::Waves) earlier += " or a0 + a1 < b0 + b1";
    const isl::union_map legal =
        isl_.union_map(fmt::format("{{ [{}] -> [{}] : {} }}", names("a", all), names("b", all), earlier));
    return in_time(within, side_by_side(phase.tiles, phase.time)).is_subset(legal);
  }

  /// Whether no dependence is carried by the coordinate of `time` that stands behind `count` of the order's.
  bool is_parallel_last(const Phase& phase, size_t count) const {
    const isl::union_map within = pairs_within(dependences_, phase.domain);
    const size_t outer = phase.outer.size(), all = outer + phase.time_size, last = outer + phase.time_tiles + count - 1;
    const isl::union_map carried = isl_.union_map(fmt::format("{{ [{}] -> [{}] : {} and a{} != b{} }}", names("a", all),
                                                              names("b", all), equal(0, last), last, last));
    return in_time(within, side_by_side(phase.tiles, phase.time)).is_disjoint(carried);
  }

  void check() const {
    for (size_t i = 0; i < phases_.size(); ++i) {
      bool is_kept = is_legal(phases_[i]);
      for (size_t j = i + 1; j < phases_.size(); ++j)
        is_kept &= dependences_.intersect_domain(phases_[j].domain).intersect_range(phases_[i].domain).is_empty();
      if (!is_kept) throw base::Error(base::code::kBug, "the polyhedral schedule breaks a dependence");
    }
  }

  const ControlPart& part_;
  isl::union_map dependences_;
  const BandOptions& options_;
  const IslSession& isl_;
  isl::union_map private_flow_;  ///< values that private arrays pass on
  isl::union_map others_;        ///< dependences through other arrays
  isl::union_set kept_;          ///< iterations that write other arrays
  std::vector<Phase> phases_;
};

/// Pairs of iterations of which the second has one more of `member`, and all else alike.
isl::map moves_along(const Phase& phase, size_t member, const Statement& statement, const IslSession& isl) {
  const isl::union_map place =
      side_by_side(phase.band, phase.inside).intersect_domain(isl::union_set(statement.domain));
  const size_t all = phase.members + phase.inner;
  std::string next;
  for (size_t i = 0; i < all; ++i) next += fmt::format("{}a{}{}", i ? ", " : "", i, i == member ? " + 1" : "");
  const isl::union_map step = isl.union_map(fmt::format("{{ [{}] -> [{}] }}", names("a", all), next));
  const isl::union_map moves = place.apply_range(step).apply_range(place.reverse());
  const isl::set domain = statement.domain;
  return moves.extract_map(domain.identity().space());
}

/// The coordinates of a set's only point, if it has just one.
std::optional<std::vector<int64_t>> only_point(const isl::set& points) {
  std::vector<int64_t> found;
  for (unsigned i = 0; i < points.tuple_dim(); ++i) {
    const isl::val low = points.dim_min_val(static_cast<int>(i)), high = points.dim_max_val(static_cast<int>(i));
    if (!low.is_int() || !high.is_int() || !low.eq(high)) return std::nullopt;
    found.push_back(low.num_si());
  }
  return found;
}

}  // namespace

Stride stride_along(const Phase& phase, size_t member, const Statement& statement, const ArrayAccess& access,
                    const IslSession& isl) {
  const isl::map moves = moves_along(phase, member, statement, isl);
  if (moves.is_empty()) return Stride::None;
  const auto step = only_point(moves.apply_domain(access.relation).apply_range(access.relation).deltas());
  if (!step) return Stride::Other;
  if (std::ranges::all_of(*step, [](int64_t s) { return s == 0; })) return Stride::None;
  const bool is_last_alone = std::all_of(step->begin(), step->end() - 1, [](int64_t s) { return s == 0; });
  return is_last_alone && step->back() == 1 ? Stride::Contiguous : Stride::Other;
}

std::vector<int64_t> step_along(const Phase& phase, size_t member, const Statement& statement, const IslSession& isl) {
  const isl::map moves = moves_along(phase, member, statement, isl);
  if (moves.is_empty()) return {};
  return only_point(moves.deltas()).value_or(std::vector<int64_t>{});
}

std::vector<Phase> find_phases(const ControlPart& part, const Dependences& dependences, const BandOptions& options,
                               const IslSession& isl) {
  const isl::schedule schedule = isl_schedule_of(part, dependences, options.fusion);
  std::vector<Phase> phases = Finder(part, dependences, options, isl).find(schedule);
  size_t most = 0;
  for (const Phase& phase : phases) most = std::max(most, phase.members);
  if (options.tile_sizes.size() > most)
    refuse_schedule(
        fmt::format("`poly tile` has {} sizes for bands of at most {} coordinates", options.tile_sizes.size(), most));
  return phases;
}

}  // namespace strata::compiler::poly
