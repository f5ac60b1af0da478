#include "strata/compiler/cache/program_key.h"

#include <unordered_map>
#include <vector>

#include "strata/compiler/program_kernels.h"
#include "strata/ir/graph/op.h"
#include "strata/machine/machine_word.h"
#include "strata/runtime/machine_code/sources_hash.h"

namespace strata::compiler {
namespace {

using base::Hash128;

/// Raised when the content or the order of what is hashed changes without a change of a hashed source.
constexpr uint64_t kVersion = 1;

/// Numbers one after the other, hashed at the end: lists carry their length, so that no two contents give the same.
class Words {
 public:
  Words& add(uint64_t word) {
    words_.push_back(word);
    return *this;
  }
  Words& add(Hash128 hash) { return add(hash.lo).add(hash.hi); }
  Words& add(std::string_view text) { return add(base::hash_text(text)); }
  Hash128 hash() const { return base::hash_span(std::span(std::as_const(words_))); }

 private:
  std::vector<uint64_t> words_;
};

/// Regions are shared between nodes and names between positions, so both are hashed once.
class GraphKeys {
 public:
  Hash128 of(const ir::Graph& graph) {
    if (const auto known = graphs_.find(&graph); known != graphs_.end()) return known->second;
    Words words;
    words.add(graph.name()).add(graph.parameters().size());
    for (size_t i = 0; i < graph.parameters().size(); ++i)
      words.add(graph.parameters()[i]->id).add(graph.parameters()[i]->type().hash()).add(graph.parameter_name(i));
    add_facts(words, graph.facts());
    words.add(graph.nodes().size());
    for (const ir::Node* node : graph.nodes())
      if (!node->is_parameter()) add_node(words, *node);
    words.add(graph.results().size());
    for (const ir::Value& v : graph.results()) add_value(words, v);
    return graphs_.emplace(&graph, words.hash()).first->second;
  }

 private:
  static void add_value(Words& words, ir::Value v) { words.add(uint64_t{v.node->id} << 32 | v.index); }

  static void add_facts(Words& words, const ir::Facts& facts) {
    words.add(facts.all().size());
    for (const ir::SymbolFact& f : facts.all()) {
      words.add(f.name).add(f.lowest).add(f.highest).add(f.multiple);
      words.add(f.capacity ? f.capacity->hash() : Hash128{});
    }
  }

  /// The node's own hash has its op, attributes and types; operands that are equal are told apart here.
  void add_node(Words& words, const ir::Node& node) {
    words.add(node.hash).add(node.operand_count);
    for (const ir::Value& v : node.operands()) add_value(words, v);
    words.add(node.result_count).add(node.region_count);
    for (const ir::GraphRef& region : node.regions()) words.add(of(*region));
    words.add(name(node.where.file)).add(node.where.line).add(name(node.where.path));
  }

  Hash128 name(const char* text) {
    if (!text) return {};
    const auto [at, is_new] = names_.try_emplace(text);
    if (is_new) at->second = base::hash_text(text);
    return at->second;
  }

  std::unordered_map<const ir::Graph*, Hash128> graphs_;
  std::unordered_map<const char*, Hash128> names_;
};

void add_options(Words& words, const CompileOptions& options, const KernelLowering& lowering) {
  words.add(options.donations.size());
  for (const ir::Donation& d : options.donations) words.add(d.result).add(d.argument);
  words.add(options.finite.size());
  for (const ir::FiniteResult& f : options.finite) words.add(f.result).add(f.name);
  words.add(options.constants.size());
  for (const int c : options.constants) words.add(c);
  words.add(options.disabled_passes.size());
  for (const std::string& pass : options.disabled_passes) words.add(pass);
  words.add(options.schedule_variation).add(lowering.is_strict());
}

}  // namespace

std::optional<Hash128> program_key(const ir::Graph& graph, const CompileOptions& options,
                                   const KernelLowering& lowering) {
  const Target& target = lowering.target();
  if (options.memory_budget_bytes || &target.device() != &runtime::host_device()) return std::nullopt;
  Words words;
  words.add(kVersion).add(runtime::sources_hash());
  words.add(target.name()).add(target.isa()).add(target.fingerprint());
  add_options(words, options, lowering);
  if (const ScheduleSource* source = lowering.schedules()) {
    const auto identity = source->identity();
    if (!identity) return std::nullopt;
    words.add(*identity).add(machine::machine_word());
  }
  words.add(GraphKeys().of(graph));
  return words.hash();
}

}  // namespace strata::compiler
