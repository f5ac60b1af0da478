#include "strata/compiler/run_passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/config/bounds.h"
#include "strata/base/environment/variables.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/rewrite.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/graph/verify.h"
#include "strata/ir/text/lexer.h"

namespace strata::compiler {

using ir::Graph;

namespace {

std::string write_reproducer(const Graph& before, const Pass& pass, const RunPassesOptions& options) {
  const std::string folder =
      options.reproducer_folder.empty() ? std::filesystem::temp_directory_path().string() : options.reproducer_folder;
  const std::string path = fmt::format("{}/strata-{}-{}.sir", folder, pass.name, before.hash().hex().substr(0, 8));
  base::write_file(path, fmt::format("// RUN: strata opt --passes {} %s\n{}", pass.name, ir::print_graph(before)));
  return path;
}

/// E0300 around what went wrong. A disk that takes no reproducer must not hide the error itself.
[[noreturn]] void fail(const Graph& before, const Pass& pass, const RunPassesOptions& options,
                       const std::string& what) {
  base::Error error(base::code::kBrokenGraph, fmt::format("pass {} on {}: {}", pass.name, before.name(), what));
  try {
    error.note("reproducer: " + write_reproducer(before, pass, options));
  } catch (const std::exception& e) {
    error.note(std::string("no reproducer was written: ") + e.what());
  }
  throw error.hint(fmt::format("`--disable {}` leaves the pass out", pass.name));
}

std::shared_ptr<const Graph> run_one(const Graph& before, const Pass& pass, const RunPassesOptions& options,
                                     std::vector<std::string>& remarks) {
  std::shared_ptr<const Graph> after;
  try {
    after =
        pass.run(before, {options.target, &remarks, options.constants, options.disabled, options.regions, pass.name});
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::Internal) throw;
    fail(before, pass, options, error.text());
  }
  if (const auto fault = ir::find_graph_fault(*after, before))
    fail(before, pass, options, fault->what + (fault->node.empty() ? "" : "; node " + fault->node));
  if (options.check_stable) {
    const auto again =
        pass.run(*after, {options.target, nullptr, options.constants, options.disabled, nullptr, pass.name});
    if (again->hash() != after->hash()) fail(before, pass, options, "running it twice changes the program again");
  }
  return after;
}

void dump(const Graph& graph, const RunPassesOptions& options, size_t number, std::string_view name) {
  if (options.dump_folder.empty()) return;
  base::make_folders(options.dump_folder);
  base::write_file(fmt::format("{}/{:02}-{}.sir", options.dump_folder, number, name), ir::print_graph(graph));
}

}  // namespace

PassResults run_passes(const Graph& graph, std::span<const Pass> passes, const RunPassesOptions& options) {
  base::OptionCheck(base::code::kOptionOutOfRange, "run_passes")
      .integer("limit", options.limit, base::Bounds::at_least(-1));
  PassResults results;
  results.graph = ir::copy_graph(graph);
  dump(graph, options, 0, "before");
  base::Hash128 hash = graph.hash();
  for (int i = 0; i < std::ssize(passes); ++i) {
    if (options.limit >= 0 && i >= options.limit) break;
    const Pass& pass = passes[i];
    if (std::find(options.disabled.begin(), options.disabled.end(), pass.name) != options.disabled.end()) continue;
    if (pass.name == options.keep_before) results.kept = results.graph;
    const auto start = std::chrono::steady_clock::now();
    std::shared_ptr<const Graph> after = run_one(*results.graph, pass, options, results.remarks);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    const base::Hash128 new_hash = after->hash();
    const size_t nodes_before = results.graph->nodes().size(), nodes_after = after->nodes().size();
    // Sharing equal nodes leaves the structural hash as it is, but not the number of nodes.
    const bool changed = new_hash != hash || nodes_after != nodes_before;
    results.reports.push_back({pass.name, time.count(), changed, nodes_before, nodes_after});
    if (changed) dump(*after, options, i + 1, pass.name);
    hash = new_hash;
    results.graph = std::move(after);
  }
  if (!results.kept) results.kept = results.graph;
  return results;
}

std::string dump_folder_from_environment(const Graph& graph) {
  const std::string folder = base::environment("STRATA_DUMP_PASSES").value_or("");
  if (folder.empty()) return "";
  return fmt::format("{}/{}-{}", folder, ir::usable_name(graph.name(), "main"), graph.hash().hex().substr(0, 8));
}

std::vector<Pass> passes_named(std::span<const std::string> names) {
  std::vector<Pass> passes;
  for (const std::string& name : names) {
    const auto it = std::find_if(pipeline().begin(), pipeline().end(), [&](const Pass& p) { return p.name == name; });
    if (it != pipeline().end()) {
      passes.push_back(*it);
      continue;
    }
    base::Error error(base::code::kUnknownPass, fmt::format("there is no pass named '{}'", name));
    std::vector<std::string> known;
    for (const Pass& p : pipeline()) known.emplace_back(p.name);
    if (const auto near = base::nearest_name(name, known)) error.hint("did you mean '" + *near + "'?");
    throw error;
  }
  return passes;
}

}  // namespace strata::compiler
