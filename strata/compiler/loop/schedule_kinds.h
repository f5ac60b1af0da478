// What a schedule is: of which kind, and its numbers. A heuristic (choose/), a random variation of it, a text of a user
// or a tuner picks one; the writers of the kinds (write/) read the nest and that.
//
// As text (rewrites.h), by kind:
//
//   elements          vectorise AXIS by W, ..., 1            vectors along that loop, tails by narrower ones; of a
//                                                            product, a chain for each element
//                     parallel points by N                   or, of a nest that reads across rows,
//                     parallel lines by N, elements by M
//   rows              vectorise lanes by W                   if the rows have the 32 lanes of a reduction
//                     vectorise inner by W, ..., 1           or loops inside of them that are independent, around which
//                     parallel points by N                   branches and checks stay as they are
//   product           exchange rows and columns              if they change places first: vectors run along columns
//                     tile rows by R, columns by C, depth by D
//                     vectorise columns by W                 C is a multiple of W
//                     block rows by N                        a multiple of R; what stays in the second cache
//                     parallel rows by N, columns by M       M is a multiple of C
//                     parallel ..., images by 1              a product for each image: of each number of the columns'
//                                                            outermost loop; only if they are not of all together
//                     group depth by G                       dot products of G steps, 2 or 4
//                     pack rows, columns                     or `pack columns`: rows are read where they are
//                     read columns in place                  instead of packing them: they lie in panels
//                                                            (nest/panels.h)
//                     unpack columns                         they lie so, and are decoded once for many rows
//   product of blocks tile rows by R, columns by C           of integers under scales (BlockProduct): whole panels, all
//                     vectorise columns by W                 of the depth, columns in panels
//                     parallel rows by N, columns by M
//                     group depth by G                       dot products of G terms, 2 or 4
//                     sum pairs by 16                        in i16, two terms at a time; instead of `group depth`
//                     read columns in place
//   strips            vectorise strip by W                   a nest of programs of their own (nest/strip.h): lanes
//                     tile rows by R, strip by C             register tiles of their products, C a multiple of W
//                     parallel strip by N                    lanes of a task, a multiple of C
//   matrices          vectorise columns by W                 a nest of programs of matrices (nest/matrix_program.h), a
//                     tile rows by R, columns by C           point a task; tiles as those of strips
//   both of these     tile ..., masked rows by M             if products hide steps (nest/masked_chain.h): their tiles
//                                                            are M rows by one vector
//   column windows    window columns                         a convolution's windows, read from a plane
//                     exchange, tile rows and columns, vectorise and block rows as above
//                     block depth by N                       steps of the depth's free loops that are in planes at once
//                     parallel rows by N, lines by M, images by I
//   row windows       window rows, pieces by N               offsets of a window as rows of N register tiles
//                     tile columns by C                      exchange and vectorise as above
//                     block depth by N                       as above; if it is not 1
//                     parallel pieces by N, free rows by F, columns by M        N: 1 or all
//                     read columns in place                  as above; if they aren't packed
//   batch lanes       window columns                         a convolution's windows, with vectors along the batch's
//                     vectorise batch by W                   innermost loop
//                     tile positions by P, lines by L        of a register tile; L: 1, or P is a whole line
//                     parallel rows by N, lines by M, images by I       exchange as above
//   any               poly ...                               a static control part (poly/polyhedral_schedule.h), which
//                                                          is none of the kinds below, and is chosen by nobody but the
//                                                          one who asks
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "strata/compiler/loop/nest/block_integers.h"
#include "strata/compiler/loop/nest/nest.h"
#include "strata/compiler/loop/rewrites.h"
#include "strata/compiler/loop/tiling.h"

namespace strata::compiler {

struct ElementSchedule {
  int axis = 0;             ///< of the nest's loops
  std::vector<int> widths;  ///< of vectors, widest first, ending with 1
  int64_t points = 0;       ///< of a task; 0: in blocks
  int64_t lines = 0, elements = 0;
  friend bool operator==(const ElementSchedule&, const ElementSchedule&) = default;
};

struct RowSchedule {
  int lanes = 0;           ///< 0: the rows have none
  std::vector<int> inner;  ///< widths of vectors of the independent loops inside; empty: there are none
  int64_t points = 1;
  friend bool operator==(const RowSchedule&, const RowSchedule&) = default;
};

enum class RowStorage : uint8_t { Packed, InPlace };
enum class ColumnStorage : uint8_t {
  Packed,
  InPlace,   ///< they lie in panels (nest/panels.h), which register tiles read and decode as they go
  Unpacked,  ///< in such panels, which are decoded into scratch once for all rows of a task
};

struct ContractionSchedule {
  bool are_images_apart = false;  ///< a task has columns of one image (Contraction::take_images_apart)
  bool is_exchanged = false;
  int group = 1;  ///< of steps of the depth that one instruction takes
  Tiling tiling;
  RowStorage rows = RowStorage::Packed;
  ColumnStorage columns = ColumnStorage::Packed;
  friend bool operator==(const ContractionSchedule&, const ContractionSchedule&) = default;
};

struct ColumnWindowSchedule {
  bool is_exchanged = false;
  ColumnWindowTiling tiling;
  friend bool operator==(const ColumnWindowSchedule&, const ColumnWindowSchedule&) = default;
};

struct RowWindowSchedule {
  bool is_exchanged = false;
  RowWindowTiling tiling;
  ColumnStorage columns = ColumnStorage::Packed;  ///< or InPlace
  friend bool operator==(const RowWindowSchedule&, const RowWindowSchedule&) = default;
};

struct BatchLaneSchedule {
  bool is_exchanged = false;
  LaneTiling tiling;
  friend bool operator==(const BatchLaneSchedule&, const BatchLaneSchedule&) = default;
};

struct StripSchedule {
  int lanes = 1;          ///< of a vector
  int64_t strip = 1;      ///< points of the innermost loop that go through the program together
  int64_t tile_rows = 1;  ///< of a product's register tile, by tile_vectors
  int64_t tile_vectors = 1;
  int64_t masked_rows = 0;  ///< of the tile of a product that hides steps, by one vector; 0: there is none
  friend bool operator==(const StripSchedule&, const StripSchedule&) = default;
};

struct MatrixSchedule {
  int lanes = 1;  ///< of a vector
  int64_t tile_rows = 1, tile_vectors = 1;
  int64_t masked_rows = 0;  ///< as above
  friend bool operator==(const MatrixSchedule&, const MatrixSchedule&) = default;
};

struct BlockSchedule {
  BlockSums sums = BlockSums::Words;
  Tiling tiling;
  friend bool operator==(const BlockSchedule&, const BlockSchedule&) = default;
};

using Schedule = std::variant<ElementSchedule, RowSchedule, ContractionSchedule, ColumnWindowSchedule,
                              RowWindowSchedule, BatchLaneSchedule, StripSchedule, MatrixSchedule, BlockSchedule>;

/// The rewrites that say it; `nest` names the axes.
std::vector<Rewrite> rewrites_of(const Schedule& schedule, const Nest& nest);

/// The schedule that the rewrites say, of the kind that fits them and the nest. E0317 when a rewrite is missing, none
/// of this kind of nest, or has a number that can't be.
Schedule schedule_of(std::vector<Rewrite> rewrites, const Nest& nest, ir::loops::LoopContext& context,
                     const ir::Facts& facts);

}  // namespace strata::compiler
