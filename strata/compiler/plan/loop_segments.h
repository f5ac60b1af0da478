// What a scan keeps for the one that goes its steps back, computed again there (checkpoints of recurrent nets; Gruslys
// et al., "Memory-efficient backpropagation through time", 2016, among others). A pair of scans
//
//   carries, ys, residuals [T, ..]  = scan F (constants, carries, xs)
//   cotangents                      = scan B, the other way round (.., residuals, zs)
//
// becomes scans over segments of k steps. The forward one stacks the carries as each segment finds them; the backward
// one begins each segment with F's steps again, from these, and its residuals are those of one segment:
//
//   carries, ys, starts [T/k, ..]   = scan (F over k steps)
//   cotangents                      = scan, the other way round (residuals [k, ..] = F over k steps; B over them)
//
// With k = 1 a step is computed again where its cotangents are. The regions of the inner scans are F's and B's own, so
// all kernels are there, each step reads what it read, and sums go through the steps in the same order: no bit changes.
#pragma once

#include <memory>
#include <vector>

#include "strata/compiler/plan/program_parts.h"

namespace strata::compiler {

struct ScanPair {
  const ir::Node* forward;
  const ir::Node* backward;
  std::vector<bool> is_residual;  ///< by result of `forward`: only `backward` reads it, slice by slice
};

/// The pairs of a program: scans that run commands. Those with an effect or a check in a step are left out.
std::vector<ScanPair> scan_pairs(const ir::Graph& graph, const PlanRequest& request);

/// The numbers of steps that a segment may have: 1, and divisors of a length that is a number.
std::vector<int64_t> segment_lengths(const ScanPair& pair);

/// The program with segments of so many steps in the place of the pair.
std::shared_ptr<const ProgramParts> with_segments(const ProgramParts& parts, const ScanPair& pair, int64_t steps);

}  // namespace strata::compiler
