#include "strata/ir/graph/graph.h"

#include <cstring>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/counts/counts.h"
#include "strata/ir/graph/op.h"
#include "strata/ir/host_array.h"

namespace strata::ir {

const char* intern(std::string_view text) {
  // A listed registry (house rule 15): names and positions outlive every graph and are compared by address.
  static std::mutex lock;
  static auto* names = new std::unordered_set<std::string>;
  std::lock_guard hold(lock);
  return names->emplace(text).first->c_str();
}

std::string Location::str() const {
  if (!file) return path ? path : "";
  std::string_view name = file;
  if (const size_t slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  std::string text = std::string(name) + ":" + std::to_string(line);
  if (path && *path) text += std::string(" ") + path;
  return text;
}

namespace {

/// Blocks of graphs that are gone, kept for the next ones: fresh memory costs a page fault per 4 KiB, which is half the
/// time of recording an op. A listed registry, bounded.
class BlockPool {
 public:
  static constexpr size_t kBlockBytes = size_t{1} << 18;
  std::unique_ptr<std::byte[]> take() {
    {
      std::lock_guard hold(lock_);
      if (!free_.empty()) {
        auto block = std::move(free_.back());
        free_.pop_back();
        return block;
      }
    }
    return std::make_unique_for_overwrite<std::byte[]>(kBlockBytes);
  }
  void give(std::unique_ptr<std::byte[]> block) {
    std::lock_guard hold(lock_);
    if (free_.size() < 256) free_.push_back(std::move(block));
  }

 private:
  std::mutex lock_;
  std::vector<std::unique_ptr<std::byte[]>> free_;
};
BlockPool& block_pool() {
  static auto* pool = new BlockPool;
  return *pool;
}

}  // namespace

/// What a graph owns besides its nodes. Bump allocation: small blocks for small graphs, then pooled ones; regions and
/// literals are the only things that need destruction.
struct Graph::Arena {
  std::vector<std::unique_ptr<std::byte[]>> blocks, pooled;
  std::byte* next = nullptr;
  size_t left = 0, block_bytes = 4096;
  std::vector<std::unique_ptr<GraphRef[]>> regions;
  std::vector<std::unique_ptr<HostArray>> literals;
  std::unordered_map<base::Hash128, Value, base::Hash128Hasher> shared;

  void* allocate(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (bytes > left) add_block(bytes);
    void* p = next;
    next += bytes;
    left -= bytes;
    return p;
  }
  void add_block(size_t bytes) {
    const bool is_pooled = block_bytes >= BlockPool::kBlockBytes && bytes <= BlockPool::kBlockBytes;
    left = is_pooled ? BlockPool::kBlockBytes : std::max(block_bytes, bytes);
    auto& list = is_pooled ? pooled : blocks;
    list.push_back(is_pooled ? block_pool().take() : std::make_unique_for_overwrite<std::byte[]>(left));
    next = list.back().get();
    block_bytes *= block_bytes < BlockPool::kBlockBytes ? 4 : 1;
  }
  ~Arena() {
    for (auto& block : pooled) block_pool().give(std::move(block));
  }
};

Graph::Graph(std::string name) : name_(std::move(name)), arena_(std::make_unique<Arena>()) {}
Graph::~Graph() = default;

void* Graph::allocate(size_t bytes) { return arena_->allocate(bytes); }

Value Graph::find_shared(base::Hash128 key) const {
  const auto it = arena_->shared.find(key);
  return it == arena_->shared.end() ? Value{} : it->second;
}

void Graph::share(base::Hash128 key, Value value) { arena_->shared.emplace(key, value); }

const HostArray* Graph::keep(HostArray array) {
  arena_->literals.push_back(std::make_unique<HostArray>(std::move(array)));
  return arena_->literals.back().get();
}

namespace {

/// Copies the lists that attributes point to into the graph, so that a node owns all it refers to.
std::span<const Attr> copy_attrs(Graph& graph, std::span<const Attr> attrs) {
  if (attrs.empty()) return {};
  auto* copy = static_cast<Attr*>(graph.allocate(attrs.size_bytes()));
  for (size_t i = 0; i < attrs.size(); ++i) {
    Attr a = attrs[i];
    auto copy_list = [&](const void* data, size_t bytes) {
      void* to = graph.allocate(std::max<size_t>(bytes, 1));
      if (bytes) std::memcpy(to, data, bytes);
      return to;
    };
    if (a.kind == AttrKind::Ints) a.ints = static_cast<int64_t*>(copy_list(a.ints, a.count * sizeof(int64_t)));
    if (a.kind == AttrKind::Dims) a.dims = static_cast<Dim*>(copy_list(a.dims, a.count * sizeof(Dim)));
    if (a.kind == AttrKind::Text) a.text = static_cast<char*>(copy_list(a.text, a.count));
    if (a.kind == AttrKind::Array) a.array = graph.keep(*a.array);
    new (copy + i) Attr(a);
  }
  return {copy, attrs.size()};
}

void check_call(const Op& op, std::span<const Value> operands, std::span<const Attr> attrs, int64_t regions,
                const Graph& graph) {
  const int count = operands.size();
  if (count < op.operands_min || (op.operands_max >= 0 && count > op.operands_max))
    throw base::Error(base::code::kOperandCount,
                      std::string(op.name) + ": takes " + std::to_string(op.operands_min) +
                          (op.operands_max == op.operands_min ? ""
                           : op.operands_max < 0              ? " or more"
                                                              : " to " + std::to_string(op.operands_max)) +
                          " operands, found " + std::to_string(count));
  for (const Value& v : operands)
    if (!v.node || v.node->graph != &graph)
      throw base::Error(base::code::kBug,
                        std::string(op.name) + ": an operand " + (v.node ? "belongs to another graph" : "is missing"));
  if (op.region_count >= 0 && regions != op.region_count)
    throw base::Error(base::code::kOperandCount, std::string(op.name) + ": takes " + std::to_string(op.region_count) +
                                                     " regions, found " + std::to_string(regions));
  if (op.name == "composite") return;  // carries the attributes of its name beside the declared ones
  bool fits = attrs.size() == op.attrs.size();
  for (size_t i = 0; fits && i < attrs.size(); ++i)
    fits = attrs[i].name == op.attrs[i].name && attrs[i].kind == op.attrs[i].kind;
  if (fits) return;
  std::string wanted, found;
  for (const AttrSpec& a : op.attrs) wanted += " " + std::string(a.name);
  for (const Attr& a : attrs) found += " " + std::string(a.name);
  throw base::Error(base::code::kUndeclaredAttributes, std::string(op.name) + ": attributes are{" + wanted +
                                                           " }, found{" + found + " }, or one is of another kind");
}

/// FNV-like seed of an op's name would depend on nothing but the name; hashed once per op and kept by address.
base::Hash128 op_hash(const Op& op) { return base::hash_text(op.name); }

}  // namespace

base::Hash128 node_hash(const Op& op, std::span<const Value> operands, std::span<const Attr> attrs,
                        std::span<const GraphRef> regions, std::span<const Type> types) {
  base::Hash128 hash = op_hash(op);
  for (const Value& v : operands) hash = base::combine(base::combine(hash, v.node->hash), v.index);
  for (const Attr& a : attrs) hash = base::combine(hash, a.hash());
  for (const GraphRef& region : regions) hash = base::combine(hash, region->hash());
  if (operands.empty() || !attrs.empty())
    for (Type t : types) hash = base::combine(hash, t.hash());
  return hash;
}

Value Graph::add_parameter(Type type, std::string_view name) {
  auto* node = new (allocate(sizeof(Node))) Node;
  auto* types = static_cast<Type*>(allocate(sizeof(Type)));
  new (types) Type(type);
  node->graph = this;
  node->id = nodes_.size();
  node->result_count = 1;
  node->type_data = types;
  node->hash = base::combine(base::combine(type.hash(), uint64_t{0x706172616d}), parameters_.size());
  node->where = location_;
  nodes_.push_back(node);
  parameters_.push_back(node);
  parameter_names_.emplace_back(name);
  return node->result();
}

Node* Graph::add(const Op& op, std::span<const Value> operands, std::span<const Attr> attrs,
                 std::span<const GraphRef> regions) {
  check_call(op, operands, attrs, regions.size(), *this);
  Infer infer(op, operands, Attrs(attrs), regions, *this);
  if (facts_.has_counts())
    apply_type_rule_with_counts(infer);
  else
    apply_type_rule(infer);
  if (op.counts || !regions.empty()) check_counts(infer);
  const std::span<const Type> types = infer.results.view();
  for (const Type& type : types)
    for (const Dim d : type.shape())
      if (d.is_constant() && d.constant() < 0)
        infer.fail(base::code::kAttributeValue, "makes " + type.str() + ": no extent is below 0");

  const size_t bytes = sizeof(Node) + operands.size_bytes() + types.size_bytes();
  auto* memory = static_cast<std::byte*>(allocate(bytes));
  auto* node = new (memory) Node;
  auto* operand_data = reinterpret_cast<Value*>(memory + sizeof(Node));
  auto* type_data = reinterpret_cast<Type*>(operand_data + operands.size());
  std::uninitialized_copy(operands.begin(), operands.end(), operand_data);
  std::uninitialized_copy(types.begin(), types.end(), type_data);

  node->op = &op;
  node->graph = this;
  node->id = nodes_.size();
  node->operand_count = operands.size();
  node->result_count = types.size();
  node->operand_data = operand_data;
  node->type_data = type_data;
  node->attrs = Attrs(copy_attrs(*this, attrs));
  node->hash = node_hash(op, operands, attrs, regions, types);
  node->where = location_;
  if (!regions.empty()) {
    auto& owned = arena_->regions.emplace_back(std::make_unique<GraphRef[]>(regions.size()));
    std::copy(regions.begin(), regions.end(), owned.get());
    node->region_count = regions.size();
    node->region_data = owned.get();
    for (const GraphRef& region : regions) {
      has_calls_ = has_calls_ || op.is_call || region->has_calls_;
      has_counts_ = has_counts_ || region->has_counts_;
    }
  }
  if (const auto count = count_of(*node)) {
    has_counts_ = true;
    facts_.add({count->symbol, 0, facts_.range(count->capacity).second, 1, count->capacity});
  }
  nodes_.push_back(node);
  return node;
}

void Graph::set_results(std::span<const Value> results) {
  for (const Value& v : results)
    if (!v.node || v.node->graph != this)
      throw base::Error(base::code::kBug, "graph " + name_ + ": a result is missing or belongs to another graph");
  results_.assign(results.begin(), results.end());
}

base::Hash128 Graph::hash() const {
  base::Hash128 h = base::combine(base::Hash128{}, parameters_.size());
  for (const Node* p : parameters_) h = base::combine(h, p->type().hash());
  for (const SymbolFact& f : facts_.all()) {
    h = base::combine(h, base::hash_text(f.name));
    h = base::combine(h, f.lowest);
    // What is known of a capacity may have grown since it became the highest.
    h = f.capacity ? base::combine(h, f.capacity->hash()) : base::combine(h, f.highest);
    h = base::combine(h, f.multiple);
  }
  for (const Node* n : nodes_)
    if (n->op && n->op->effect != Effect::None) h = base::combine(h, n->hash);
  for (const Value& v : results_) h = base::combine(base::combine(h, v.node->hash), v.index);
  return h;
}

}  // namespace strata::ir
