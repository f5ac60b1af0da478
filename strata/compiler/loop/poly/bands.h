// The schedule: which order iterations run in, in what groups, and which of them are independent.
//
// isl finds bands: coordinates b0, b1, ... of each iteration such that no dependence points backwards in any of them
// (Pluto's condition). A band can be cut into tiles, and its coordinates may change places. Statements that stand one
// after the other without a common band are phases. Ours is what follows:
//
//   tiles    t_m = floor(b_m / size_m)
//   tasks    the tiles of coincident coordinates, along which nothing depends on anything; and those of a coordinate
//            along which tiles only pass on what private arrays hold: there each task computes itself what it needs of
//            its neighbours (overlapped tiles). Where there are none, waves: t_0 + t_1 is the number of a wave, and the
//            tiles of one wave are independent
//   points   the order within a tile: the coordinate along which memory is contiguous and iterations are independent
//            goes innermost, for vectors; where there is none, the last two coordinates p, q become p + q, p: a slant
//            whose innermost iterations are independent, so that a core runs many of them at once
//
// Every schedule is checked against the dependences, once more and as a whole, before it is used.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/compiler/loop/poly/dependences.h"

namespace strata::compiler::poly {

enum class Fusion { Most, Apart };

struct BandOptions {
  std::vector<int64_t> tile_sizes;  ///< of a band's coordinates, 0: not cut; empty: chosen
  Fusion fusion = Fusion::Most;
};

/// How the tiles of a phase become tasks.
enum class Spread { Serial, Tasks, Waves };

struct Phase {
  isl::union_set domain;
  isl::union_map band;    ///< iteration -> [b0, b1, ...]
  isl::union_map inside;  ///< iteration -> what orders iterations of equal coordinates
  size_t members = 0, inner = 0;
  std::vector<bool> coincident;

  std::vector<int64_t> sizes;  ///< of tiles, by member; 0: not cut
  Spread spread = Spread::Serial;
  std::vector<size_t> outer;  ///< members whose tiles are tasks or, two of them, waves
  std::vector<size_t> tiled;  ///< the other members that are cut
  int innermost = -1;         ///< the member that vectors run along, -1: none
  bool is_slanted = false;
  std::optional<size_t> overlapped;  ///< the one of `outer` whose tasks compute some iterations once more

  isl::union_map tiles;   ///< iteration -> [t of `outer`], more than one tile where they overlap
  isl::union_map time;    ///< iteration -> its time within a task
  size_t time_tiles = 0;  ///< how many coordinates of `time` are tiles
  size_t time_size = 0;
};

/// In the order in which they run. Throws E0317 for sizes of tiles that don't fit, E0900 if a schedule breaks a
/// dependence.
std::vector<Phase> find_phases(const ControlPart& part, const Dependences& dependences, const BandOptions& options,
                               const IslSession& isl);

/// Along one more of a member and the same everywhere else: how an access moves.
enum class Stride { None, Contiguous, Other };
Stride stride_along(const Phase& phase, size_t member, const Statement& statement, const ArrayAccess& access,
                    const IslSession& isl);

/// The step of a statement's loops along one more of a member; empty if it is not always the same, or there is none.
std::vector<int64_t> step_along(const Phase& phase, size_t member, const Statement& statement, const IslSession& isl);

/// What follows `a0, a1, ...` in lexicographic order.
std::string lexically_before(size_t first, size_t count);
/// "a0, a1, a2"
std::string names(const std::string& prefix, size_t count);

}  // namespace strata::compiler::poly
