#include "strata/tensor/jit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "strata/base/error/error.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/tensor/recording.h"

namespace strata::jit_detail {

/// A result behind the returned ones: what the function put into a leaf of an argument. A tied leaf of which it made
/// different tensors gives several.
struct Rebound {
  size_t argument, leaf;
  std::vector<size_t> places;  ///< of the leaf
  int parameter = -1;          ///< of the program: what the leaf held before; -1: nothing
};

struct Program {
  base::Hash128 key;
  std::shared_ptr<const runtime::Executable> executable;
  base::Hash128 graph_hash;
  std::vector<Tensor> captures;  ///< hidden inputs, behind the arguments' leaves
  std::vector<Rebound> rebound;  ///< in the order of the results
  std::vector<int> returned;     ///< result of each returned tensor; -1: an undefined one
  size_t returned_count = 0;
  std::vector<DimGuard> guards;                          ///< sizes that the function asked for
  std::set<std::vector<std::vector<int64_t>>> admitted;  ///< shapes of arguments that keep the memory limit
};

namespace {

/// The types under which arguments are recorded: concrete, but for symbolic dimensions, which are named by the options,
/// or by their size where they are batches.
class Signature {
 public:
  Signature(std::span<const Argument> arguments, const JitOptions& options) : options_(options) {
    key_ = base::combine(key_, static_cast<uint64_t>(runtime::chosen_isa_level()));
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Argument& a = arguments[i];
      key_ = base::combine(key_, a.leaves.structure);
      for (const Leaf& leaf : a.leaves.list) add(leaf, static_cast<int>(i), a.is_data);
    }
  }
  base::Hash128 key() const { return key_; }
  const std::vector<ir::Type>& types() const { return types_; }  ///< null for undefined leaves
  int64_t value_of(Dim d) const {
    return d.evaluate([this](std::string_view name) -> int64_t {
      if (auto it = sizes_.find(std::string(name)); it != sizes_.end()) return it->second;
      throw base::Error("E0503",
                        "the size of dimension '" + std::string(name) + "' is not known while the program is recorded");
    });
  }
  /// Whether a program of this key serves this call too.
  bool fits(const Program& program) const {
    return program.key == key_ && std::all_of(program.guards.begin(), program.guards.end(),
                                              [&](const DimGuard& g) { return value_of(g.dim) == g.value; });
  }

 private:
  void add(const Leaf& leaf, int argument, bool is_data) {
    if (!leaf.tensor().defined()) {
      types_.emplace_back();
      key_ = base::combine(key_, uint64_t{1});
      return;
    }
    ir::Type type = leaf.tensor().type();
    Shape shape(type.shape().begin(), type.shape().end());
    std::vector<bool> is_named(shape.size());
    for (const SymbolicDim& d : options_.symbolic_dims)
      if (d.argument == argument) name(d, type, is_data, shape, is_named);
    if (is_data && options_.is_batch_symbolic && !shape.empty() && !is_named[0] && shape[0].is_constant())
      shape[0] = batch(shape[0].constant());
    types_.push_back(type.with_shape(shape));
    key_ = base::combine(key_, types_.back().hash());
  }
  void name(const SymbolicDim& d, ir::Type type, bool is_data, Shape& shape, std::vector<bool>& is_named) {
    const int rank = static_cast<int>(shape.size());
    if (!is_data || d.axis < -rank || d.axis >= rank)
      throw base::Error("E0116", options_.name + ": dimension '" + d.name + "' is said to be axis " +
                                     std::to_string(d.axis) + " of argument " + std::to_string(d.argument) +
                                     ", which " + (is_data ? "is " + type.str() : std::string("is not a Tensor")));
    const auto axis = static_cast<size_t>(d.axis < 0 ? d.axis + rank : d.axis);
    const int64_t size = type.shape()[axis].constant();
    const auto [it, is_new] = sizes_.emplace(d.name, size);
    if (!is_new && it->second != size)
      throw base::Error("E0110", options_.name + ": dimension '" + d.name + "' is " + std::to_string(it->second) +
                                     " in one argument and " + std::to_string(size) + " in argument " +
                                     std::to_string(d.argument));
    shape[axis] = Dim::symbol(d.name);
    is_named[axis] = true;
  }
  /// "B", "B1", ... by size; names that the options give are passed over.
  Dim batch(int64_t size) {
    auto [it, is_new] = batches_.emplace(size, "");
    for (size_t i = batches_.size() - 1; is_new; ++i) {
      it->second = i == 0 ? "B" : "B" + std::to_string(i);
      is_new = std::any_of(options_.symbolic_dims.begin(), options_.symbolic_dims.end(),
                           [&](const SymbolicDim& d) { return d.name == it->second; }) ||
               !sizes_.emplace(it->second, size).second;
    }
    return Dim::symbol(it->second);
  }

  const JitOptions& options_;
  base::Hash128 key_;
  std::vector<ir::Type> types_;
  std::map<int64_t, std::string> batches_;  ///< by size
  std::map<std::string, int64_t> sizes_;    ///< of every symbol
};

/// The places of a leaf that hold another tensor than before, grouped by tensor.
std::vector<Rebound> rebound_places(const Leaf& leaf, const Tensor& before) {
  std::vector<Rebound> list;
  for (size_t i = 0; i < leaf.places.size(); ++i) {
    const Tensor& now = *leaf.places[i];
    if (!now.defined() || (before.defined() && now.cell() == before.cell())) continue;
    const auto same = std::find_if(list.begin(), list.end(),
                                   [&](const Rebound& r) { return leaf.places[r.places[0]]->cell() == now.cell(); });
    if (same == list.end())
      list.push_back({0, 0, {i}});
    else
      same->places.push_back(i);
  }
  return list;
}

void write_back(std::span<const Argument> caller, const Rebound& rebound, const Tensor& value) {
  for (size_t i : rebound.places) *caller[rebound.argument].leaves.list[rebound.leaf].places[i] = value;
}

/// One variable that is two arguments would keep the value of the one that is written last.
void require_distinct(std::span<const Argument> caller, const Program& program, const std::string& name) {
  std::vector<std::pair<const Tensor*, size_t>> places;  // and the argument
  for (const Rebound& r : program.rebound)
    for (size_t i : r.places) places.emplace_back(caller[r.argument].leaves.list[r.leaf].places[i], r.argument);
  std::sort(places.begin(), places.end());
  const auto same =
      std::adjacent_find(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (same == places.end()) return;
  throw base::Error("E0505", fmt::format("{}: arguments {} and {} are one variable, and the function changes both",
                                         name, same->second + 1, (same + 1)->second + 1))
      .hint("pass a copy as one of them");
}

/// One recording of the function.
struct Trace {
  std::shared_ptr<ir::Graph> graph;
  std::unique_ptr<Program> program = std::make_unique<Program>();
  std::vector<ir::Donation> donations;
  std::vector<ir::FiniteResult> finite;
};

std::string name_of(const std::string& path, size_t argument) {
  return path.empty() ? fmt::format("argument {}", argument) : path;
}

Trace record(std::span<const Argument> caller, std::span<const Argument> traced, const Signature& signature,
             const JitOptions& options, base::FunctionRef<std::vector<Tensor>()> body) {
  Trace trace;
  TraceScope scope;
  Recording& recording = scope.recording();
  recording.graph().set_name(options.name);
  for (const SymbolicDim& d : options.symbolic_dims)
    recording.graph().facts().add({d.name, d.lowest, d.highest, d.multiple});
  DimGuards guards([&](Dim d) { return signature.value_of(d); });
  std::vector<std::vector<Tensor>> before;
  size_t next = 0;
  for (const Argument& a : traced) {
    auto& list = before.emplace_back();
    for (const Leaf& leaf : a.leaves.list) {
      const ir::Type type = signature.types()[next++];
      list.push_back(type ? recording.parameter(type, leaf.paths[0]) : Tensor());
      leaf.assign(list.back());
    }
  }
  const std::vector<Tensor> returned = body();

  std::vector<ir::Value> results;
  for (const Tensor& t : returned) {
    trace.program->returned.push_back(t.defined() ? static_cast<int>(results.size()) : -1);
    if (t.defined()) results.push_back(recording.enter(t));
  }
  trace.program->returned_count = returned.size();
  int parameter = -1;
  for (size_t a = 0; a < traced.size(); ++a)
    for (size_t l = 0; l < traced[a].leaves.list.size(); ++l) {
      if (before[a][l].defined()) ++parameter;
      if (!caller[a].is_in_out) continue;
      for (Rebound& rebound : rebound_places(traced[a].leaves.list[l], before[a][l])) {
        const Leaf& leaf = traced[a].leaves.list[l];
        rebound.argument = a, rebound.leaf = l, rebound.parameter = before[a][l].defined() ? parameter : -1;
        if (before[a][l].defined() && rebound.places.size() == leaf.places.size())
          trace.donations.push_back({static_cast<int>(results.size()), parameter});
        if (options.require_finite)
          trace.finite.push_back({static_cast<int>(results.size()), name_of(leaf.paths[rebound.places[0]], a)});
        results.push_back(recording.enter(*leaf.places[rebound.places[0]]));
        trace.program->rebound.push_back(std::move(rebound));
      }
    }
  recording.graph().set_results(results);
  for (const Recording::Capture& c : recording.captures()) trace.program->captures.push_back(c.outside);
  trace.program->key = signature.key();
  trace.program->guards = guards.taken();
  trace.program->graph_hash = recording.graph().hash();
  trace.graph = recording.take_graph();
  return trace;
}

/// What the program is run on: the leaves of the arguments, then the captures.
std::vector<HostArray> arguments_for(std::span<const Argument> caller, const Program& program) {
  std::vector<HostArray> arguments;
  for (const Argument& a : caller)
    for (const Leaf& leaf : a.leaves.list)
      if (leaf.tensor().defined()) arguments.push_back(leaf.tensor().array());
  for (const Tensor& t : program.captures) arguments.push_back(t.array());
  return arguments;
}

void admit(Program& program, std::span<const HostArray> arguments, int64_t limit_bytes) {
  std::vector<std::vector<int64_t>> shapes;
  for (const HostArray& a : arguments) shapes.push_back(a.shape());
  if (program.admitted.contains(shapes)) return;
  compiler::require_memory(program.executable->plan(), shapes, limit_bytes);
  program.admitted.insert(std::move(shapes));
}

/// The caller's tensors that a run replaces. While it runs they are nobody's, so that a donation finds a single owner
/// of the memory; after an error the very same handles stand in their places again.
class Surrendered {
 public:
  Surrendered(std::span<const Argument> caller, const Program& program)
      : caller_(caller), program_(program), is_taken_(program.rebound.size()) {
    before_.reserve(program.rebound.size());  // from here to restore() nothing allocates: nothing can get lost
    for (const Rebound& r : program.rebound) {
      before_.push_back(*caller[r.argument].leaves.list[r.leaf].places[r.places[0]]);
      write_back(caller, r, Tensor());
    }
  }
  /// Once the copies that the function is recorded on have let go: takes the memory of what nobody else holds.
  void let_go() {
    for (size_t i = 0; i < before_.size(); ++i) {
      Cell* cell = before_[i].cell();
      if (!cell || cell->references.load(std::memory_order_acquire) != 1) continue;
      is_taken_[i] = true;
      cell->array = HostArray();
    }
  }
  void restore(std::span<const HostArray> arguments) {
    for (size_t i = 0; i < before_.size(); ++i) {
      const Rebound& r = program_.rebound[i];
      if (is_taken_[i]) before_[i].cell()->array = arguments[static_cast<size_t>(r.parameter)];
      write_back(caller_, r, before_[i]);
    }
  }

 private:
  std::span<const Argument> caller_;
  const Program& program_;
  std::vector<Tensor> before_;  ///< by rebound
  std::vector<bool> is_taken_;
};

}  // namespace

bool is_part_of_a_recording() {
  const Recording& current = Recording::current();
  return current.kind() == Recording::Kind::Trace || current.holds > 0;
}

Engine::Engine(JitOptions options) : options_(std::move(options)) {}
Engine::~Engine() = default;

int Engine::recordings() const { return static_cast<int>(programs_.size()); }
const runtime::Executable& Engine::last_executable() const { return *programs_.at(last_)->executable; }

std::string Engine::first_non_finite(std::span<const Argument> caller) const {
  const Signature signature(caller, options_);
  for (const auto& program : programs_)
    if (signature.fits(*program)) return program->executable->first_non_finite(arguments_for(caller, *program));
  return "";
}

std::vector<Tensor> Engine::call(std::span<const Argument> caller, std::span<const Argument> traced,
                                 base::FunctionRef<std::vector<Tensor>()> body, size_t& program_index, Source) {
  runtime::require_not_cancelled(options_.name.c_str());
  const Signature signature(caller, options_);
  program_index = 0;
  while (program_index < programs_.size() && !signature.fits(*programs_[program_index])) ++program_index;
  if (program_index == programs_.size()) {
    Trace trace = record(caller, traced, signature, options_, body);
    compiler::CompileOptions compile_options;
    compile_options.donations = trace.donations;
    compile_options.finite = trace.finite;
    compile_options.is_strict = options_.is_strict;
    compile_options.schedule_variation = options_.schedule_variation;
    trace.program->executable = compiler::compile(trace.graph, compile_options);
    programs_.push_back(std::move(trace.program));
  } else if (options_.is_checked) {
    if (record(caller, traced, signature, options_, body).program->graph_hash != programs_[program_index]->graph_hash)
      throw base::Error("E0505", options_.name + ": recorded another program for the same kind of arguments")
          .hint("the function depends on something that is neither an argument nor a captured tensor");
  }
  last_ = program_index;
  Program& program = *programs_[program_index];
  require_distinct(caller, program, options_.name);

  std::vector<HostArray> arguments = arguments_for(caller, program);
  if (options_.memory_limit_bytes > 0) admit(program, arguments, options_.memory_limit_bytes);
  std::vector<Tensor> returned(program.returned_count);
  Surrendered surrendered(caller, program);
  for (const Argument& a : traced)
    for (const Leaf& leaf : a.leaves.list) leaf.assign(Tensor());
  surrendered.let_go();
  std::vector<HostArray> results;
  try {
    results = program.executable->run(std::move(arguments));
  } catch (...) {
    surrendered.restore(arguments);
    throw;
  }

  for (size_t i = 0; i < returned.size(); ++i)
    if (program.returned[i] >= 0) returned[i] = Tensor(std::move(results[static_cast<size_t>(program.returned[i])]));
  const size_t first = results.size() - program.rebound.size();
  for (size_t i = 0; i < program.rebound.size(); ++i)
    write_back(caller, program.rebound[i], Tensor(std::move(results[first + i])));
  return returned;
}

}  // namespace strata::jit_detail
