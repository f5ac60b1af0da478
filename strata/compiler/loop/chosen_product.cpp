#include "strata/compiler/loop/chosen_product.h"

#include "strata/base/error/error.h"
#include "strata/compiler/loop/choose/planes.h"
#include "strata/compiler/loop/choose/product.h"

namespace strata::compiler {

using namespace ir::loops;

namespace {

std::optional<ChosenProduct> choose(const Kernel& naive, const machine::VectorUnit& vectors) {
  auto flat = flat_nest(naive);
  if (!flat) return std::nullopt;
  ChosenProduct made;
  made.flat = std::move(flat->flat);
  made.nest = std::move(flat->nest);
  LoopContext& c = *made.flat.context;
  auto contraction = read_contraction(made.nest, made.flat.facts);
  if (!contraction) return std::nullopt;
  Variation best;
  const auto planes = !contraction->behind && best_group(*contraction, c, vectors) == 1
                          ? choose_planes(*contraction, c, made.flat.facts, vectors, best)
                          : std::nullopt;
  made.contraction = std::move(*contraction);
  if (planes) {
    if (!std::holds_alternative<RowWindowSchedule>(*planes)) return std::nullopt;
    made.schedule = std::get<RowWindowSchedule>(*planes);
  } else {
    made.schedule = choose_product(made.contraction, c, made.flat.facts, vectors, best);
  }
  if (std::visit([](const auto& s) { return s.is_exchanged; }, made.schedule)) made.contraction.transpose();
  if (made.panels() && made.panels()->group > 1)
    made.contraction = *in_groups(made.contraction, made.panels()->group, c);
  return made;
}

}  // namespace

std::optional<ChosenProduct> chosen_product(const Kernel& naive, const machine::VectorUnit& vectors) {
  try {
    return choose(naive, vectors);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::Internal) throw;
    return std::nullopt;
  }
}

std::optional<ChosenBlocks> chosen_blocks(const Kernel& naive) {
  auto flat = flat_nest(naive);
  auto product = flat ? read_block_product(flat->nest, flat->flat.facts) : std::nullopt;
  if (!product) return std::nullopt;
  return ChosenBlocks{std::move(*flat), std::move(*product)};
}

}  // namespace strata::compiler
