#include "strata/tensor/jit/jit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "strata/base/config/bounds.h"
#include "strata/base/error/error.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/runtime/execute/executable.h"
#include "strata/runtime/execute/prepared.h"
#include "strata/tensor/jit/difference.h"
#include "strata/tensor/jit/program.h"
#include "strata/tensor/jit/signature.h"
#include "strata/tensor/recording/recording.h"

namespace strata::jit_detail {

using namespace recording_detail;

namespace {

/// Sizes that are known to be taken or refused, or to keep the memory limit, per program.
constexpr size_t kMostSizes = 4096;

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
                                         name, same->second, (same + 1)->second))
      .hint("pass a copy as one of them");
}

/// What the program is run on: the leaves of the arguments, then the captures.
std::vector<HostArray> arguments_for(std::span<const Argument> caller, const Program& program) {
  std::vector<HostArray> arguments;
  for (const Argument& a : caller)
    for (const Leaf& leaf : a.leaves.list)
      if (leaf.tensor().defined()) arguments.push_back(array_of(leaf.tensor()));
  for (const Tensor& t : program.captures) arguments.push_back(t.array());
  return arguments;
}

void admit(Program& program, std::span<const HostArray> arguments, int64_t limit_bytes) {
  std::vector<std::vector<int64_t>> shapes;
  for (const HostArray& a : arguments) shapes.push_back(a.shape());
  if (program.admitted.contains(shapes)) return;
  if (program.admitted.size() >= kMostSizes) program.admitted.clear();
  compiler::require_memory(*program.executable, shapes, limit_bytes);
  program.admitted.insert(std::move(shapes));
}

/// The caller's tensors that a run replaces, and the memory of those that nobody else holds. While it runs they are
/// nobody's, so that a donation finds a single owner of the memory; after an error the very same handles stand in their
/// places again.
class Surrendered {
 public:
  Surrendered(std::span<const Argument> caller, const Program& program)
      : caller_(caller), program_(program), is_taken_(program.rebound.size()) {
    before_.reserve(program.rebound.size());  // from here to restore() nothing allocates: nothing can get lost
    for (const Rebound& r : program.rebound) {
      before_.push_back(*caller[r.argument].leaves.list[r.leaf].places[r.places[0]]);
      write_back(caller, r, Tensor());
    }
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

bool has_trees(std::span<const Argument> caller) {
  return std::any_of(caller.begin(), caller.end(), [](const Argument& a) { return !a.is_data; });
}

/// Among the leaves of all arguments.
size_t leaf_position(std::span<const Argument> caller, const Rebound& rebound) {
  size_t position = rebound.leaf;
  for (size_t a = 0; a < rebound.argument; ++a) position += caller[a].leaves.list.size();
  return position;
}

}  // namespace

bool is_part_of_a_recording() {
  const Recording& current = Recording::current();
  return current.kind() == Recording::Kind::Trace || current.holds > 0;
}

Engine::Engine(JitOptions options) : options_(std::move(options)), varying_(std::make_unique<VaryingLeaves>()) {
  base::OptionCheck("E0116", options_.name)
      .integer("memory_limit_bytes", options_.memory_limit_bytes, base::Bounds::at_least(0))
      .integer("most_programs", options_.most_programs, base::Bounds::at_least(1));
  for (int argument : options_.constants)
    base::OptionCheck("E0116", options_.name).integer("constants", argument, base::Bounds::at_least(0));
  for (const SymbolicDim& d : options_.symbolic_dims) {
    const std::string owner = options_.name + ", symbolic dimension " + d.name;
    base::OptionCheck("E0116", owner)
        .integer("argument", d.argument, base::Bounds::at_least(0))
        .integer("lowest", d.lowest, base::Bounds::at_least(0))
        .integer("highest", d.highest, base::Bounds::at_least(static_cast<double>(d.lowest)))
        .integer("multiple", d.multiple, base::Bounds::at_least(1));
  }
}
Engine::~Engine() = default;

int64_t Engine::hand_over(std::span<const Argument> caller) {
  const std::lock_guard hold(calls_);
  const Program& program = *programs_.at(last_);
  int64_t bytes = 0;
  int parameter = -1;
  for (const Argument& a : caller)
    for (const Leaf& leaf : a.leaves.list) {
      if (!leaf.tensor().defined()) continue;
      ++parameter;
      Cell* cell = leaf.tensor().cell();
      if (program.executable->reads_elements(parameter) || runtime::is_handed_over(cell->array)) continue;
      if (runtime::hand_over(cell->array)) bytes += cell->array.bytes();
    }
  return bytes;
}

const runtime::Executable& Engine::last_executable() const { return *programs_.at(last_)->executable; }

std::string Engine::explain() const {
  const std::lock_guard hold(calls_);
  std::string text;
  for (const auto& program : programs_) text += fmt::format("recording of {}\n{}", options_.name, program->explanation);
  return text;
}

std::vector<size_t> Engine::find(const Signature& signature) const {
  std::vector<size_t> fitting;
  if (const auto known = by_key_.find(signature.key()); known != by_key_.end())
    for (size_t index : known->second)
      if (programs_[index]->fits(signature)) fitting.push_back(index);
  return fitting;
}

/// Into a free place, or that of the program that was called longest ago.
size_t Engine::keep(std::unique_ptr<Program> program, const Body& body) {
  size_t index = programs_.size();
  if (index < static_cast<size_t>(options_.most_programs)) {
    programs_.emplace_back();
  } else {
    const auto oldest = std::min_element(programs_.begin(), programs_.end(),
                                         [](const auto& a, const auto& b) { return a->last_call < b->last_call; });
    index = static_cast<size_t>(oldest - programs_.begin());
    std::erase(by_key_[(*oldest)->key], index);
    if (by_key_[(*oldest)->key].empty()) by_key_.erase((*oldest)->key);
  }
  by_key_[program->key].push_back(index);
  programs_[index] = std::move(program);
  body.keep_result(index);
  ++recordings_;
  return index;
}

/// Whether the program's executable takes the sizes of this call; `refusal` gets what the type rules say, if not.
bool Engine::takes(Program& program, const CallOfSizes& call, std::optional<base::Error>& refusal) const {
  if (call.signature.symbols().empty()) return true;
  std::vector<int64_t> sizes;
  for (const Signature::Symbol& s : call.signature.symbols()) sizes.push_back(s.size);
  if (const auto known = program.sizes.find(sizes); known != program.sizes.end()) {
    if (known->second) refusal = known->second;
    return !known->second;
  }
  if (program.sizes.size() >= kMostSizes) program.sizes.clear();
  std::vector<std::vector<int64_t>> shapes;
  for (const HostArray& a : arguments_for(call.caller, program)) shapes.push_back(a.shape());
  std::optional<base::Error>& known = program.sizes[std::move(sizes)];
  try {
    program.executable->memory_use(shapes);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::User) throw;
    refusal = known = error;
  }
  return !known;
}

/// The program that serves this call: one that is there, or a new one.
size_t Engine::program_for(std::span<const Argument> caller, const Body& body) {
  VaryingLeaves::Seen* seen = options_.is_batch_symbolic && has_trees(caller) ? &varying_->see(caller) : nullptr;
  Signature signature(caller, options_, nullptr);
  std::vector<size_t> fitting = find(signature);
  if (fitting.empty() && seen && seen->any) {
    signature = Signature(caller, options_, &seen->varies);
    fitting = find(signature);
  }
  const CallOfSizes call{caller, signature};
  std::optional<size_t> index;
  std::optional<base::Error> refusal;
  for (size_t i : fitting)
    if (!index && takes(*programs_[i], call, refusal)) index = i;
  if (index && options_.is_checked) require_same(*programs_[*index], call, body);
  if (fitting.empty()) {
    fitting.push_back(keep(record_program({}, call, options_, body), body));
    if (takes(*programs_[fitting[0]], call, refusal)) index = fitting[0];
  }
  if (!index) {
    Assumptions numbers = programs_[fitting[0]]->assumptions;
    if (!numbers.fix_all(signature, "the recording for all sizes refuses this one: " + refusal->message()))
      throw *refusal;
    index = keep(record_program(std::move(numbers), call, options_, body), body);
  }
  if (seen)
    for (const Rebound& r : programs_[*index]->rebound) seen->is_state[leaf_position(caller, r)] = true;
  return *index;
}

void Engine::require_same(const Program& program, const CallOfSizes& call, const Body& body) const {
  const Trace again = record_under(program.assumptions, call, options_, body);
  if (again.program->graph->hash() == program.graph->hash()) return;
  base::Error error("E0505", options_.name + ": recorded another program for the same kind of arguments");
  if (const std::string difference = first_difference(*program.graph, *again.program->graph); !difference.empty())
    error.note(difference);
  throw error.hint(
      "the function depends on something that is neither an argument nor a captured tensor: a number that changes is "
      "an argument, as a tensor");
}

std::string Engine::first_non_finite(std::span<const Argument> caller) const {
  const std::lock_guard hold(calls_);
  std::vector<size_t> fitting = find(Signature(caller, options_, nullptr));
  if (fitting.empty() && has_trees(caller) && options_.is_batch_symbolic)
    fitting = find(Signature(caller, options_, &varying_->see(caller).varies));
  if (fitting.empty()) return "";
  const Program& program = *programs_[fitting.back()];  // one for numbers alone is behind the one that refused them
  return program.executable->first_non_finite(arguments_for(caller, program));
}

std::vector<Tensor> Engine::call(std::span<const Argument> caller, const Body& body, Source at) {
  try {
    return call_program(caller, body);
  } catch (base::Error& error) {
    note_line(error, {at.file, at.line, nullptr}, "jitted in");
    throw;
  }
}

Engine::Ready Engine::prepare(std::span<const Argument> caller, const Body& body) {
  const std::lock_guard hold(calls_);
  last_ = program_for(caller, body);
  const std::shared_ptr<Program>& program = programs_[last_];
  program->last_call = ++calls_made_;
  body.take_result(last_);
  require_distinct(caller, *program, options_.name);
  Ready ready{program, arguments_for(caller, *program)};
  if (options_.memory_limit_bytes > 0) admit(*program, ready.arguments, options_.memory_limit_bytes);
  return ready;
}

std::vector<Tensor> Engine::call_program(std::span<const Argument> caller, const Body& body) {
  runtime::require_not_cancelled(options_.name.c_str());
  Ready ready = prepare(caller, body);
  const Program& program = *ready.program;
  std::vector<HostArray>& arguments = ready.arguments;
  std::vector<Tensor> returned(program.returned_count);
  Surrendered surrendered(caller, program);
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
