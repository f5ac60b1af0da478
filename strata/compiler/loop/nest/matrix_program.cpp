#include "strata/compiler/loop/nest/matrix_program.h"

#include <algorithm>

#include "strata/compiler/loop/nest/strip.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

/// Of a loop from 0 to a number.
std::optional<int64_t> length_of(const Stmt& s) {
  if (s.kind != StmtKind::For || s.step != 1 || s.block != 0 || constant_value(s.begin) != 0) return std::nullopt;
  return constant_value(s.end);
}

bool is_program(std::span<const StmtPtr> body, std::vector<MatrixProduct>& products) {
  for (const StmtPtr& s : body) {
    if (s->kind == StmtKind::Alloc) {
      if (!std::ranges::all_of(s->buffer->shape, [](ir::Dim d) { return d.is_constant(); })) return false;
    } else if (auto product = read_matrix_product(*s)) {
      products.push_back(std::move(*product));
    } else if (is_leaf(*s)) {
      bool has_others = false;
      const StmtPtr one[] = {s};
      for_each_stmt(one, [&](const Stmt& inner) {
        has_others = has_others || inner.kind == StmtKind::Assign || inner.mask;
        has_others = has_others || (inner.kind == StmtKind::For && inner.loop_kind != LoopKind::Serial);
      });
      if (has_others) return false;
    } else if (s->kind == StmtKind::For || s->kind == StmtKind::If || s->kind == StmtKind::Block) {
      if (s->kind == StmtKind::For && (s->loop_kind != LoopKind::Serial || s->step != 1)) return false;
      if (!is_program(s->body, products) || !is_program(s->otherwise, products)) return false;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<MatrixProduct> read_matrix_product(const Stmt& leaf) {
  const auto rows = length_of(leaf);
  if (!rows || leaf.body.size() != 1) return std::nullopt;
  const Stmt& column = *leaf.body[0];
  const auto columns = length_of(column);
  auto chain = read_chain(column.body);
  if (!columns || !chain || chain->depth.size() != 1 || !length_of(*chain->depth[0])) return std::nullopt;
  MatrixProduct p{.row = &leaf, .column = &column, .rows = *rows, .columns = *columns};
  MaskedChain& k = p.chain;
  k = with_mask_apart(*chain).value_or(*chain);
  if (depends_on(k.left, column.loop)) std::swap(k.left, k.right);
  if (depends_on(k.left, column.loop) || !depends_on(k.right, column.loop) || depends_on(k.right, leaf.loop))
    return std::nullopt;
  k.is_where_by_row = k.where && depends_on(k.where, leaf.loop);
  if (k.is_where_by_row && depends_on(k.where, column.loop)) return std::nullopt;
  return p;
}

std::vector<MatrixProduct> matrix_products(const Nest& nest) {
  std::vector<MatrixProduct> products;
  if (nest.loops.empty() || !is_program(nest.body, products)) products.clear();
  return products;
}

bool has_masks(std::span<const MatrixProduct> products) {
  return std::ranges::any_of(products, [](const MatrixProduct& p) { return p.chain.where != nullptr; });
}

}  // namespace strata::compiler
