// How a body's loads and stores move with a loop: which axis of a nest is worth being the vector axis.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "strata/compiler/loop/nest/nest.h"
#include "strata/machine/vector_unit.h"

namespace strata::compiler {

enum class Stride : uint8_t { Uniform, Contiguous, Other };

/// How the element at `index` (of a flat buffer) moves when the loop variable does.
Stride stride_in(LinearIndices& indices, ir::loops::Expr index, ir::loops::Expr loop);

/// Accesses and arithmetic of one iteration, inner loops counted once.
struct BodyWork {
  int uniform_loads = 0, contiguous_loads = 0, other_loads = 0;
  int contiguous_stores = 0, other_stores = 0;
  int operations = 0;
  int bytes = 0;                  ///< of all loads and stores
  bool has_shared_store = false;  ///< a store that does not move with the loop

  int accesses() const { return uniform_loads + contiguous_loads + other_loads + contiguous_stores + other_stores; }
  /// In instructions, for `lanes` iterations at once; a strided access costs an access and an insertion per lane.
  double vector_cost(int lanes) const;
  double scalar_cost(int lanes) const { return lanes * (accesses() + operations); }
};
BodyWork work_along(const Nest& nest, LinearIndices& indices, ir::loops::LoopContext& context, const NestLoop& loop);

/// Elements in a vector register; half floats count as f32, in which they are computed.
int lanes_of(ir::DType dtype, const machine::VectorUnit& vectors);
/// Lanes of the widest element type that the body computes with or moves. Index arithmetic does not count, nor, within
/// the loop `along`, numbers that are the same in all of its steps.
int body_lanes(std::span<const ir::loops::StmtPtr> body, const machine::VectorUnit& vectors,
               const ir::loops::LoopVar* along = nullptr);

/// The loop along which vectors pay most, -1 if along none. `lanes` is cut down to the loop's extent.
int best_vector_loop(const Nest& nest, ir::loops::LoopContext& context, const ir::Facts& facts, int lanes);

/// A transposing nest reads this many lines at a time, so that they stay in the first cache for their other elements.
constexpr int64_t kTransposeBlock = 32;

/// Moves the vector loop innermost, and next to it the loop along which its strided loads are contiguous: their lines
/// are used again at once. Returns whether that calls for blocks.
bool order_loops(Nest& nest, LinearIndices& indices, ir::loops::LoopContext& context, int vector,
                 bool has_strided_loads);

/// A loop over the 32 lanes of a reduction over the last axis, or over half of them and so on.
bool is_lane_loop(const ir::loops::Stmt& stmt);
/// Whether the body reduces by such lanes. It may have independent loops besides: over the elements of a row.
bool has_lane_loops(const Nest& nest);

/// Memory for one value an iteration, under other indices than those of the nest: Scratch whose last axis, of extent 1,
/// becomes the lanes where several iterations run at once.
bool has_lane_axis(const ir::loops::Buffer& buffer);

/// What may keep the body from being run for several points at once, such as "it branches on data"; empty if nothing.
std::string obstacle_of(const Nest& nest);

/// Loops in the body that lowering marked Vector: their iterations are independent. Not those of a reduction's lanes.
std::vector<ir::loops::StmtPtr> independent_loops(const Nest& nest);

}  // namespace strata::compiler
