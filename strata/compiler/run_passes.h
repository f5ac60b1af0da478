// Runs graph passes one after the other: each result is verified, timed and, if wanted, dumped.
//
// Whether a pass changed anything is read off the structural hash and the number of nodes, so that no report can be
// false. A pass that throws an Internal error or makes a graph that the verifier refuses ends in E0300, with a file
// that reproduces it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strata/compiler/pipeline.h"

namespace strata::compiler {

struct RunPassesOptions {
  std::vector<std::string> disabled;  ///< by name
  int limit = -1;                     ///< runs only the first so many; -1: all; less: E0760
  std::string
      dump_folder;  ///< if not empty: 00-before.sir, 01-inline-calls.sir, ... for each pass that changed something
  std::string reproducer_folder;   ///< empty: the system's folder for temporary files
  const Target* target = nullptr;  ///< whom the program is compiled for; null: nobody, nothing is laid out or claimed
  std::vector<int> constants;      ///< see PassContext, as of the next
  FinishedRegions* regions = nullptr;
  std::string keep_before;    ///< a pass: the results have the graph that it was given
  bool check_stable = false;  ///< also runs each pass on its own result, which must not change (E0300)
};

struct PassReport {
  std::string_view name;
  double milliseconds = 0;
  bool changed = false;
  size_t nodes_before = 0, nodes_after = 0;
};

struct PassResults {
  std::shared_ptr<const ir::Graph> graph;
  std::shared_ptr<const ir::Graph> kept;  ///< what the pass `keep_before` was given; `graph` where it did not run
  std::vector<PassReport> reports;        ///< of the passes that ran
  std::vector<std::string> remarks;       ///< what passes tell the user: composites that were expanded, and why
};

PassResults run_passes(const ir::Graph& graph, std::span<const Pass> passes, const RunPassesOptions& options = {});

/// $STRATA_DUMP_PASSES/<name>-<hash>, where the environment names a folder: compile() dumps each program's passes
/// there.
std::string dump_folder_from_environment(const ir::Graph& graph);

/// The passes with these names, in this order; E0302 with the nearest name for an unknown one.
std::vector<Pass> passes_named(std::span<const std::string> names);

}  // namespace strata::compiler
