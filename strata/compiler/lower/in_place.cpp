#include "strata/compiler/lower/in_place.h"

#include <algorithm>
#include <optional>

#include "strata/ir/loops/rewrite.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

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
  if (!reads) return {};
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
