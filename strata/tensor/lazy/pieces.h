// A lazy recording op by op: what serves it until it is compiled as one program.
//
// A piece is one node with what is read through it at no cost (constants, broadcasts, reshapes), as a program of its
// own. Pieces are shared by all recordings, and pointwise ones serve all sizes, so that code which nobody has run
// before finds most of them ready. The bits are those of the whole program: fusion changes none.
#pragma once

#include <memory>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::lazy {

class Programs;

class Pieces {
 public:
  /// Null where the program had better run whole: it is one piece, it takes too much memory by ops, it counts, or it
  /// asks for an update in place.
  static std::shared_ptr<const Pieces> of(const std::shared_ptr<const ir::Graph>& graph);

  /// Compiles what pieces need, at once. The arguments stay as they are.
  std::vector<ir::HostArray> run(Programs& programs, const std::vector<ir::HostArray>& arguments) const;

 private:
  /// Values have places: first the arguments, then the results of the pieces.
  struct Piece {
    std::shared_ptr<const ir::Graph> graph;
    base::Hash128 exact;
    std::vector<size_t> operands, results;
    std::vector<size_t> last_uses;  ///< places that nothing behind it reads
  };
  friend class PieceCutter;
  std::vector<Piece> pieces_;
  std::vector<size_t> results_;
  size_t places_ = 0;
};

}  // namespace strata::lazy
