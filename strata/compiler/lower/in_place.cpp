#include "strata/compiler/lower/in_place.h"

#include <algorithm>
#include <optional>

#include "strata/compiler/loop/nest/matrix_program.h"
#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

/// Looks for stores to an output and loads of an input in a program.
class StoresOnce {
 public:
  StoresOnce(const Buffer* output, const Buffer* input) : output_(output), input_(input) {}

  /// Whether each element of the output is stored once at most, and the input is read there alone, at the same index.
  bool hold(std::span<const StmtPtr> body) { return stores_in(body) == 1 && is_safe_; }

 private:
  /// How many stores one way through the statements meets at most.
  int stores_in(std::span<const StmtPtr> body) {
    int count = 0;
    for (const StmtPtr& s : body) {
      if (s->kind == StmtKind::Store && s->buffer == output_) {
        ++count;
        look_at(*s);
        continue;
      }
      for_each_expr(*s, [&](Expr e) {
        for (Expr load : collect_loads(e)) is_safe_ = is_safe_ && load->buffer != input_ && load->buffer != output_;
      });
      if (s->kind == StmtKind::For) loops_.push_back(s.get());
      count += std::max(stores_in(s->body), stores_in(s->otherwise));
      if (s->kind == StmtKind::For) loops_.pop_back();
    }
    return count;
  }

  void look_at(const Stmt& store) {
    for (Expr load : collect_loads(store.value))
      is_safe_ = is_safe_ && load->buffer != output_ &&
                 (load->buffer != input_ ||
                  std::equal(load->args, load->args + load->arg_count, store.indices.begin(), store.indices.end()));
    for (const Stmt* loop : loops_) {
      const bool is_once = constant_value(loop->begin) == 0 && constant_value(loop->end) == 1;
      const auto is_it = [&](Expr index) { return index->op == ExprOp::Loop && index->loop == loop->loop; };
      is_safe_ = is_safe_ && (is_once || std::ranges::any_of(store.indices, is_it));
    }
  }

  const Buffer *output_, *input_;
  std::vector<const Stmt*> loops_;
  bool is_safe_ = true;
};

std::vector<std::pair<int, int>> pairs_of_program(const Kernel& kernel) {
  std::vector<const Buffer*> inputs, outputs;
  for (const Buffer* b : kernel.params) (b->kind == BufferKind::Input ? inputs : outputs).push_back(b);
  std::vector<std::pair<int, int>> pairs;
  for (size_t o = 0; o < outputs.size(); ++o)
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i]->dtype == outputs[o]->dtype && inputs[i]->shape == outputs[o]->shape &&
          StoresOnce(outputs[o], inputs[i]).hold(kernel.body))
        pairs.emplace_back(o, i);
  return pairs;
}

/// The stores of a nest in their order, and what it reads before them.
struct NestReads {
  std::vector<const Stmt*> stores;
  std::vector<const Buffer*> summed;
};

/// Empty: the nest is none that may write in place.
std::optional<NestReads> reads_of(const Kernel& kernel, NestOf nest) {
  NestReads reads;
  bool is_plain = true;
  for_each_stmt(kernel.body, [&](const Stmt& s) {
    if (s.kind == StmtKind::Store) {
      reads.stores.push_back(&s);
    } else if (nest == NestOf::Products && (s.kind == StmtKind::Declare || s.kind == StmtKind::Assign)) {
      is_plain = is_plain && reads.stores.empty();
      for (const Expr load : collect_loads(s.value)) reads.summed.push_back(load->buffer);
    } else if (s.kind != StmtKind::For && s.kind != StmtKind::Block) {
      is_plain = false;
    }
  });
  return is_plain ? std::optional(std::move(reads)) : std::nullopt;
}

}  // namespace

std::vector<std::pair<int, int>> in_place_pairs(const Kernel& kernel, NestOf nest) {
  const std::optional<NestReads> reads = reads_of(kernel, nest);
  if (!reads) {
    const auto program = read_nest(kernel);  // whose schedules keep the stores where they stand
    return program && is_matrix_program(*program) ? pairs_of_program(kernel) : std::vector<std::pair<int, int>>{};
  }
  const std::vector<const Stmt*>& stores = reads->stores;
  std::vector<const Buffer*> inputs, outputs;
  for (const Buffer* b : kernel.params) (b->kind == BufferKind::Input ? inputs : outputs).push_back(b);

  std::vector<std::pair<int, int>> pairs;
  for (size_t o = 0; o < outputs.size(); ++o) {
    const auto at = std::find_if(stores.begin(), stores.end(), [&](const Stmt* s) { return s->buffer == outputs[o]; });
    if (at == stores.end()) continue;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i]->dtype != outputs[o]->dtype || std::ranges::find(reads->summed, inputs[i]) != reads->summed.end())
        continue;
      bool is_safe = true;
      for (auto s = stores.begin(); s != stores.end(); ++s)
        for (Expr load : collect_loads((*s)->value)) {
          if (load->buffer != inputs[i]) continue;
          const bool same_index = load->arg_count == (*at)->indices.size() &&
                                  std::equal(load->args, load->args + load->arg_count, (*at)->indices.begin());
          is_safe = is_safe && same_index && s <= at;
        }
      if (is_safe) pairs.emplace_back(o, i);
    }
  }
  return pairs;
}

}  // namespace strata::compiler
