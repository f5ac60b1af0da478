#include "strata/tensor/jit/recordings.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/runtime/execute/executable.h"
#include "strata/tensor/jit/difference.h"

namespace strata::jit_detail {

namespace {

bool has_trees(std::span<const Argument> caller) {
  return std::any_of(caller.begin(), caller.end(), [](const Argument& a) { return !a.is_data; });
}

/// Among the leaves of all arguments.
size_t leaf_position(std::span<const Argument> caller, const Rebound& rebound) {
  size_t position = rebound.leaf;
  for (size_t a = 0; a < rebound.argument; ++a) position += caller[a].leaves.list.size();
  return position;
}

/// Whether the program's executable takes the sizes of this call; `refusal` gets what the type rules say, if not.
bool takes(Program& program, const CallOfSizes& call, std::optional<base::Error>& refusal) {
  if (call.signature.symbols().empty()) return true;
  std::vector<int64_t> sizes;
  for (const Signature::Symbol& s : call.signature.symbols()) sizes.push_back(s.size);
  const base::Hash128 key = base::hash_span(std::span<const int64_t>(sizes));
  if (const auto known = program.sizes.find(key); known != program.sizes.end()) {
    if (known->second) refusal = known->second;
    return !known->second;
  }
  if (program.sizes.size() >= Program::kMostSizes) program.sizes.clear();
  std::vector<std::vector<int64_t>> shapes;
  for (const HostArray& a : arguments_for(call.caller, program)) shapes.push_back(a.shape());
  std::optional<base::Error>& known = program.sizes[key];
  try {
    program.executable->memory_use(shapes);
  } catch (const base::Error& error) {
    // Numbers in the place of symbols would take no less memory.
    if (error.kind() != base::ErrorKind::User || error.code() == base::code::kMemoryLimit) throw;
    refusal = known = error;
  }
  return !known;
}

/// E0505 when the function records another program than the one that is there.
void require_same(const Program& program, const CallOfSizes& call, const JitOptions& options, const Body& body) {
  const Trace again = record_under(program.assumptions, call, options, body);
  if (again.program->graph->hash() == program.graph->hash()) return;
  capture::note_refusal("another program is recorded for the same kind of arguments", {});
  base::Error error(base::code::kImpureFunction,
                    options.name + ": recorded another program for the same kind of arguments");
  if (const std::string difference = first_difference(*program.graph, *again.program->graph); !difference.empty())
    error.note(difference);
  throw error.hint(
      "the function depends on something that is neither an argument nor a captured tensor: a number that changes is "
      "an argument, as a tensor");
}

}  // namespace

std::vector<HostArray> arguments_for(std::span<const Argument> caller, const Program& program) {
  std::vector<HostArray> arguments;
  for (const Argument& a : caller)
    for (const Leaf& leaf : a.leaves.list)
      if (leaf.tensor().defined()) arguments.push_back(array_of(leaf.tensor()));
  for (const Tensor& t : program.captures) arguments.push_back(t.array());
  return arguments;
}

std::vector<size_t> Recordings::fitting(const Signature& signature) const {
  std::vector<size_t> places;
  if (const auto known = by_key_.find(signature.key()); known != by_key_.end())
    for (size_t index : known->second)
      if (programs_[index]->fits(signature)) places.push_back(index);
  return places;
}

/// Into a free place, or that of the program that was called longest ago.
size_t Recordings::keep(std::unique_ptr<Program> program, std::string reason, const Body& body,
                        const JitOptions& options) {
  program->reason = reason;
  log_->note_recording(std::move(reason), program->explanation, program->attempts);
  size_t index = programs_.size();
  if (std::ssize(programs_) < options.most_programs) {
    programs_.emplace_back();
  } else {
    const auto oldest = std::min_element(programs_.begin(), programs_.end(),
                                         [](const auto& a, const auto& b) { return a->last_call < b->last_call; });
    index = oldest - programs_.begin();
    std::erase(by_key_[(*oldest)->key], index);
    if (by_key_[(*oldest)->key].empty()) by_key_.erase((*oldest)->key);
    log_->note_eviction();
  }
  by_key_[program->key].push_back(index);
  programs_[index] = std::move(program);
  body.keep_result(index);
  ++made_;
  return index;
}

std::string Recordings::reason_for(const CallOfSizes& call) const {
  if (programs_.empty()) return "it was called for the first time";
  if (const auto known = by_key_.find(call.signature.key()); known != by_key_.end())
    return programs_[known->second.back()]->misfit(call.signature);
  const std::vector<ir::Type>& before = programs_[last_]->types;
  const std::vector<ir::Type> now = call.signature.types(call.caller);
  if (now.size() == before.size()) {
    size_t i = 0;
    for (size_t a = 0; a < call.caller.size(); ++a)
      for (const Leaf& leaf : call.caller[a].leaves.list) {
        const auto text_of = [](ir::Type t) { return t ? t.str() : "undefined"; };
        if (!(now[i] == before[i]))
          return fmt::format("argument {}{}{} is {} and was {}", a, leaf.paths[0].empty() ? "" : " at ", leaf.paths[0],
                             text_of(now[i]), text_of(before[i]));
        ++i;
      }
  }
  return "an argument has another structure, another static number, or the target is another one";
}

size_t Recordings::place_for(std::span<const Argument> caller, const Body& body, const JitOptions& options) {
  VaryingLeaves::Seen* seen = options.is_batch_symbolic && has_trees(caller) ? &varying_.see(caller) : nullptr;
  Signature signature(caller, options, nullptr);
  std::vector<size_t> places = fitting(signature);
  if (places.empty() && seen && seen->any) {
    signature = Signature(caller, options, &seen->varies);
    places = fitting(signature);
  }
  const CallOfSizes call{caller, signature};
  std::optional<size_t> index;
  std::optional<base::Error> refusal;
  for (size_t i : places)
    if (!index && takes(*programs_[i], call, refusal)) index = i;
  if (index && options.is_checked) require_same(*programs_[*index], call, options, body);
  if (places.empty()) {
    std::string reason = reason_for(call);
    places.push_back(keep(record_program({}, call, options, body), std::move(reason), body, options));
    if (takes(*programs_[places[0]], call, refusal)) index = places[0];
  }
  if (!index) {
    Assumptions numbers = programs_[places[0]]->assumptions;
    std::string reason = "the recording for all sizes refuses this one: " + refusal->message();
    if (!numbers.fix_all(signature, reason)) throw *refusal;
    index = keep(record_program(std::move(numbers), call, options, body), std::move(reason), body, options);
  }
  if (seen)
    for (const Rebound& r : programs_[*index]->rebound) seen->is_state[leaf_position(caller, r)] = true;
  return *index;
}

std::shared_ptr<const Program> Recordings::find(std::span<const Argument> caller, const JitOptions& options) {
  std::vector<size_t> places = fitting(Signature(caller, options, nullptr));
  if (places.empty() && has_trees(caller) && options.is_batch_symbolic)
    places = fitting(Signature(caller, options, &varying_.see(caller).varies));
  if (places.empty()) return nullptr;
  return programs_[places.back()];  // one for numbers alone is behind the one that refused them
}

const std::shared_ptr<Program>& Recordings::called(size_t place) {
  last_ = place;
  log_->note_call();
  programs_[place]->last_call = ++calls_;
  return programs_[place];
}

}  // namespace strata::jit_detail
