#include "strata/tensor/jit/jit.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/counted.h"
#include "strata/base/terminal/format.h"
#include "strata/compiler/plan/memory_budget.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/runtime/execute/cancel.h"
#include "strata/runtime/execute/executable.h"
#include "strata/runtime/execute/non_finite_origin.h"
#include "strata/runtime/execute/prepared.h"
#include "strata/tensor/jit/recordings.h"
#include "strata/tensor/recording/recording.h"

namespace strata::jit_detail {

using namespace recording_detail;

namespace {

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
  throw base::Error(base::code::kImpureFunction,
                    fmt::format("{}: arguments {} and {} are one variable, and the function changes both", name,
                                same->second, (same + 1)->second))
      .hint("pass a copy as one of them");
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
      if (is_taken_[i]) before_[i].cell()->array = arguments[r.parameter];
      write_back(caller_, r, before_[i]);
    }
  }

 private:
  std::span<const Argument> caller_;
  const Program& program_;
  std::vector<Tensor> before_;  ///< by rebound
  std::vector<bool> is_taken_;
};

int64_t launches(const ir::Plan& plan) {
  return std::ranges::count(plan.commands, ir::CommandKind::Kernel, &ir::PlanCommand::kind);
}

/// What a call takes that is as large as the one that was recorded, and what a budget costs it.
std::string memory_text(const Program& program, const std::optional<int64_t>& budget_bytes) {
  const runtime::Executable& all = *program.executable;
  try {
    const auto own = all.own_program(program.recorded_dims);
    const compiler::MemoryPeak peak = compiler::memory_peak(own ? *own : all, program.recorded_dims);
    std::string text = fmt::format("  takes {} for the sizes of the call that was recorded, of which {} are the arena",
                                   base::bytes_text(peak.bytes), base::bytes_text(peak.arena_bytes));
    if (!peak.at.empty()) text += ", the most at " + peak.at;
    if (!budget_bytes) return text + "\n";
    const int64_t again = own ? std::max<int64_t>(0, launches(own->plan()) - launches(all.plan())) : 0;
    return text + fmt::format("; the budget of {} takes {}\n", base::bytes_text(*budget_bytes),
                              again == 0 ? "no kernel's running twice"
                                         : base::counted(again, "kernel") + (again == 1 ? " that runs" : " that run") +
                                               " twice");
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::User) throw;
    return fmt::format("  can't run for the sizes of the call that was recorded: {}\n", error.message());
  }
}

}  // namespace

bool is_part_of_a_recording() {
  const Recording& current = Recording::current();
  return current.kind() == Recording::Kind::Trace || current.holds > 0;
}

Engine::Engine(JitOptions options, Source at)
    : options_(std::move(options)),
      recordings_(std::make_unique<Recordings>(capture::open_jit_log(options_.name, at))) {
  base::OptionCheck(base::code::kAttributeValue, options_.name)
      .integer("most_programs", options_.most_programs, base::Bounds::at_least(1));
  if (options_.memory_budget_bytes) compiler::require_usable_budget(options_.name, *options_.memory_budget_bytes);
  for (int argument : options_.constants)
    base::OptionCheck(base::code::kAttributeValue, options_.name)
        .integer("constants", argument, base::Bounds::at_least(0));
  for (const SymbolicDim& d : options_.symbolic_dims) {
    if (!ir::loops::is_identifier(d.name) || ir::loops::is_reserved_word(d.name))
      throw base::Error(base::code::kAttributeValue,
                        fmt::format("{}: '{}' can't be the name of a symbolic dimension", options_.name, d.name))
          .hint("a name consists of letters, digits and _, and is no word of the loop language as `for` or `in`");
    const std::string owner = options_.name + ", symbolic dimension " + d.name;
    base::OptionCheck(base::code::kAttributeValue, owner)
        .integer("argument", d.argument, base::Bounds::at_least(0))
        .integer("lowest", d.lowest, base::Bounds::at_least(0))
        .integer("highest", d.highest, base::Bounds::at_least(d.lowest))
        .integer("multiple", d.multiple, base::Bounds::at_least(1));
  }
}
Engine::~Engine() = default;

int64_t Engine::hand_over(std::span<const Argument> caller) {
  const std::lock_guard hold(recordings_->mutex);
  const Program& program = *recordings_->last();
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

int Engine::recordings() const {
  const std::lock_guard hold(recordings_->mutex);
  return recordings_->made();
}

std::shared_ptr<const runtime::Executable> Engine::last_executable() const {
  const std::lock_guard hold(recordings_->mutex);
  return recordings_->last()->executable;
}

std::string Engine::explain() const {
  const std::lock_guard hold(recordings_->mutex);
  std::string text;
  for (const auto& program : recordings_->programs())
    text += fmt::format("recording of {}, because {}\n{}{}", options_.name, program->reason, program->explanation,
                        memory_text(*program, options_.memory_budget_bytes));
  return text;
}

std::string Engine::first_non_finite(std::span<const Argument> caller) const {
  const std::lock_guard hold(recordings_->mutex);
  const std::shared_ptr<const Program> program = recordings_->find(caller, options_);
  if (!program) return "";
  const auto origin = runtime::non_finite_origin(*program->executable, arguments_for(caller, *program));
  return origin ? origin->op : "";
}

std::vector<Tensor> Engine::call(std::span<const Argument> caller, const Body& body, Source at) {
  try {
    return call_program(caller, body);
  } catch (base::Error& error) {
    ops::note_line(error, {at.file, at.line, nullptr}, "jitted in");
    throw;
  }
}

Engine::Ready Engine::prepare(std::span<const Argument> caller, const Body& body) {
  const std::lock_guard hold(recordings_->mutex);
  const size_t place = recordings_->place_for(caller, body, options_);
  const std::shared_ptr<Program>& program = recordings_->called(place);
  body.take_result(place);
  require_distinct(caller, *program, options_.name);
  return {program, arguments_for(caller, *program)};
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
    if (program.returned[i] >= 0) returned[i] = Tensor(std::move(results[program.returned[i]]));
  const size_t first = results.size() - program.rebound.size();
  for (size_t i = 0; i < program.rebound.size(); ++i)
    write_back(caller, program.rebound[i], Tensor(std::move(results[first + i])));
  return returned;
}

}  // namespace strata::jit_detail
