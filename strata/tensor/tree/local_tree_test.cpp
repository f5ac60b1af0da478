// Trees that are declared inside of functions, and names that a program may have beside `using namespace strata`.
#include <gtest/gtest.h>

#include "strata/ops/reduce/reduce.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/print/print.h"
#include "strata/tensor/random.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"
#include "strata/tensor/tree/tree.h"

using namespace strata;

/// What users call their own.
struct Cell {
  Tensor h;
  STRATA_FIELDS(h)
};
struct Recording {
  Cell cell;
};
struct Place {
  int row = 0;
};
struct Condition {
  bool holds = true;
};
struct FieldNames {};
struct LeafCollector {};
struct TraceScope {};
struct DimGuards {};

namespace {

TEST(LocalTree, IsATreeAsAnyOther) {
  struct Inner {
    Tensor w = Tensor::from({1.f, 2.f});
    Buffer seen = Tensor::scalar(0);
    STRATA_FIELDS(w, seen)
  };
  struct Model {
    std::vector<Inner> parts = std::vector<Inner>(2);
    double scale = 3;
    STRATA_FIELDS(parts, scale)
    Tensor operator()(const Tensor& x) const { return sum(parts[0].w * x) * scale + sum(parts[1].w); }
  };
  Model model;
  const Leaves leaves = leaves_of(model);
  ASSERT_EQ(leaves.list.size(), 4u);
  EXPECT_EQ(leaves.list[3].paths[0], "parts.1.seen");
  EXPECT_EQ(leaves.list[3].kind, LeafKind::Buffer);
  const Model g = grad([](const Model& m) { return m(Tensor::from({5.f, 7.f})); }, model);
  EXPECT_EQ(g.parts[0].w.array().get(1), 21);
  auto step = jit(
      [](Model& m, const Tensor& x) {
        m.parts[0].w = m.parts[0].w + x;
        return m(x);
      },
      {.is_batch_symbolic = false});
  EXPECT_EQ(step(model, Tensor::from({1.f, 1.f})).item(), 18);
  EXPECT_EQ(model.parts[0].w.array().get(0), 2);
}

TEST(LocalTree, FieldsThatItLacksAreNotThere) {
  struct Layer {
    bool has_bias = false;
    Tensor weight = Tensor::scalar(1), bias{};
    STRATA_FIELDS(weight, bias)
    bool lacks(std::string_view field) const { return field == "bias" && !has_bias; }
  };
  Layer without, with{true, Tensor::scalar(1), Tensor::scalar(2)};
  EXPECT_EQ(leaves_of(without).list.size(), 1u);
  EXPECT_EQ(leaves_of(with).list.size(), 2u);
  EXPECT_FALSE(leaves_of(with).structure == leaves_of(without).structure);
}

TEST(Names, OfTheLibrarysOwnPartsAreFree) {
  const Recording mine{{Tensor::scalar(3)}};
  EXPECT_EQ(mine.cell.h.item(), 3);
  const Place place{4};
  EXPECT_EQ(place.row, 4);
  EXPECT_TRUE(Condition{}.holds);
  const Tensor y = cond(mine.cell.h > 2, [&] { return mine.cell.h; }, [&] { return -mine.cell.h; });
  EXPECT_EQ(y.item(), 3);
}

}  // namespace
