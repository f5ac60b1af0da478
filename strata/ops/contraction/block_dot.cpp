#include "strata/ops/contraction/block_dot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/encoding/scaled_integers.h"
#include "strata/ir/loops/joined_loops.h"
#include "strata/ir/unproved.h"
#include "strata/ops/encoding/encoded_rules.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/shape/shape.h"

namespace strata::ops {
namespace {

using ir::BlockFormat;
using ir::ScaledIntegers;

constexpr refuse kNoTangents("encoded operands have no tangents");

const BlockFormat& format_of(Type t) { return *t.encoding().format(); }

int64_t largest_magnitude(const ScaledIntegers& parts) { return std::max(-parts.range.low, parts.range.high); }

/// Of an operand; integers of a format that has them.
ScaledIntegers require_scaled_integers(const ir::Infer& i, int operand) {
  const Type t = i.type(operand);
  if (!t.is_encoded())
    i.fail(base::code::kOperandTypes, fmt::format("takes arrays of blocks, found {}", t.str()), "encode makes one");
  const auto parts = format_of(t).order == ir::BlockOrder::AlongLastAxis ? ir::scaled_integers(format_of(t))
                                                                         : std::optional<ScaledIntegers>();
  if (!parts)
    i.fail(base::code::kOperandTypes,
           fmt::format("takes blocks of integers under a scale, and {} decodes to something else", t.encoding().name()),
           "dot multiplies what any encoding decodes to");
  return *parts;
}

void block_dot_infer(ir::Infer& i) {
  const ScaledIntegers lhs = require_scaled_integers(i, 0), rhs = require_scaled_integers(i, 1);
  const Type x = i.type(0), w = i.type(1);
  const BlockFormat &a = format_of(x), &b = format_of(w);
  if (a.elements != b.elements)
    i.fail(base::code::kOperandTypes, fmt::format("blocks have {} elements of {} and {} of {}, expected equally many",
                                                  a.elements, a.name, b.elements, b.name));
  if (a.elements > INT32_MAX / (largest_magnitude(lhs) * largest_magnitude(rhs)))
    i.fail(base::code::kOperandTypes,
           fmt::format("sums of {} products of {} and {} may leave i32", a.elements, a.name, b.name));
  if (w.rank() < 2)
    i.fail(base::code::kOperandShapes, fmt::format("the right operand is {}, expected [..., N, K]", w.str()));
  const int batch = w.rank() - 2;
  if (x.rank() <= batch)
    i.fail(base::code::kOperandShapes,
           fmt::format("the left operand is {}, expected the {} batch axes of {} and K", x.str(), batch, w.str()));
  for (int a = 0; a < batch; ++a)
    if (!ir::proved_equal(x.dim(a), w.dim(a)))
      i.fail(base::code::kUnequalDims, fmt::format("batch dimensions differ: lhs {} has {}, rhs {} has {}", x.str(),
                                                   x.dim(a).str(), w.str(), w.dim(a).str()));
  if (!ir::proved_equal(x.shape().back(), w.shape().back()))
    i.fail(base::code::kUnequalDims, fmt::format("contracted dimensions differ: lhs {} has {}, rhs {} has {}", x.str(),
                                                 x.shape().back().str(), w.str(), w.shape().back().str()));
  Shape shape(x.shape().begin(), x.shape().end() - 1);
  shape.push_back(w.dim(w.rank() - 2));
  i.result(Type::of(DType::f32, shape));
}

/// A batch of rows is more rows; of weights alone, which share their rows, more columns.
void block_dot_vmap(ir::Vmap& v) {
  const Value x = v.operand(0), w = v.operand(1);
  if (v.is_batched(0) && v.is_batched(1)) return v.set(block_dot(x, w));
  const int64_t batch = v.node.operand(1).rank() - 2;
  if (v.is_batched(0)) return v.set(move_axis(block_dot(move_axis(x, 0, batch), w), batch, 0));
  // Behind the axes that both have: [batch..., examples * N, K].
  const Value behind = move_axis(w, 0, batch);
  const auto dims = behind.type().shape();
  const auto at = static_cast<size_t>(batch);
  Shape joined(dims.begin(), dims.begin() + batch);
  joined.push_back(dims[at] * dims[at + 1]), joined.push_back(dims[at + 2]);
  const Value y = block_dot(x, reshape(behind, joined));
  Shape apart(y.type().shape().begin(), y.type().shape().end() - 1);
  apart.push_back(dims[at]), apart.push_back(dims[at + 1]);
  v.set(move_axis(reshape(y, apart), y.rank() - 1, 0));
}

/// One side: its integers at (free..., block, element) and its scales at (free..., block).
struct Side {
  ir::ElementFn integer, scale;
  Side(ir::Lowering& l, int operand) {
    const BlockFormat& format = format_of(l.node.operand(operand).type());
    const ScaledIntegers parts = *ir::scaled_integers(format);
    const auto part = [&l, &format, operand](Expr of, Expr element, std::span<const Expr> block) {
      return ir::part_of_decode(l.context, format, of, element, [&](Expr byte) {
        std::vector<Expr> at(block.begin(), block.end());
        at.push_back(byte);
        return l.operand(operand, at);
      });
    };
    integer = [&l, part, of = parts.integer](std::span<const Expr> index) {
      return l.context.cast(DType::i32, part(of, index.back(), index.first(index.size() - 1)));
    };
    scale = [&l, part, of = parts.scale](std::span<const Expr> index) { return part(of, l.context.i64(0), index); };
  }
};

void block_dot_lower(ir::Lowering& l) {
  const Type x = l.node.operand(0).type(), w = l.node.operand(1).type();
  const Type stored = w.stored();
  Side lhs(l, 0), rhs(l, 1);
  ir::ContractionForm form;
  const int batch = w.rank() - 2;
  form.batch.assign(x.shape().begin(), x.shape().begin() + batch);
  form.rows.assign(x.shape().begin() + batch, x.shape().end() - 1);
  form.columns = {w.dim(batch)};
  form.depth = {stored.dim(batch + 1)};
  form.block_terms = format_of(x).elements;
  form.lhs = std::move(lhs.integer), form.rhs = std::move(rhs.integer);
  form.lhs_scale = std::move(lhs.scale), form.rhs_scale = std::move(rhs.scale);
  form.result_index = [](std::span<const Expr> index) { return std::vector<Expr>(index.begin(), index.end()); };
  l.contraction(std::move(form));
}

/// All integers and scales of an array, block by block.
struct Blocks {
  std::vector<int32_t> integers;
  std::vector<float> scales;
  explicit Blocks(const HostArray& x) {
    const BlockFormat& format = *x.encoding().format();
    const ir::ScaledIntegersReader read(format);
    const auto count = static_cast<size_t>(x.elements() / format.elements);
    integers.resize(count * static_cast<size_t>(format.elements));
    scales.resize(count);
    for (size_t b = 0; b < count; ++b)
      read(static_cast<const std::byte*>(x.data()) + b * static_cast<size_t>(format.bytes),
           integers.data() + b * static_cast<size_t>(format.elements), scales[b]);
  }
};

/// Neighbours are added until one is left: the tree over the numbers of the chains.
float joined(std::vector<float> chains) {
  for (; chains.size() > 1; chains.resize((chains.size() + 1) / 2))
    for (size_t i = 0; 2 * i < chains.size(); ++i)
      chains[i] = 2 * i + 1 < chains.size() ? chains[2 * i] + chains[2 * i + 1] : chains[2 * i];
  return chains.empty() ? 0 : chains[0];
}

/// In the order and the roundings that the op has: what is exact leaves nothing to a wider type.
void block_dot_reference(ir::Reference& r) {
  const Blocks x(r.operands[0]), w(r.operands[1]);
  const auto of_w = r.operands[1].shape();
  const size_t batch = of_w.size() - 2;
  const int64_t length = r.operands[0].encoding().format()->elements, columns = of_w[batch],
                blocks = of_w[batch + 1] / length;
  HostArray& y = r.results[0];
  int64_t rows = 1;  // of one matrix of the batch
  for (size_t a = batch; a + 1 < y.shape().size(); ++a) rows *= y.shape()[a];
  for (int64_t at = 0; at < y.elements(); ++at) {
    const int64_t number = at / (rows * columns);
    const int64_t row = at / columns * blocks, column = (number * columns + at % columns) * blocks;
    std::vector<float> chains;
    for (int64_t b = 0; b < blocks; ++b) {
      if (b % ir::loops::kJoinBlock == 0) chains.push_back(0);
      int32_t whole = 0;
      for (int64_t u = 0; u < length; ++u)
        whole += x.integers[static_cast<size_t>((row + b) * length + u)] *
                 w.integers[static_cast<size_t>((column + b) * length + u)];
      const float scale = x.scales[static_cast<size_t>(row + b)] * w.scales[static_cast<size_t>(column + b)];
      chains.back() = std::fma(static_cast<float>(whole), scale, chains.back());
    }
    y.set(at, joined(std::move(chains)));
  }
}

ir::Cost block_dot_cost(const Node& n) {
  return {Dim(2) * n.operand(1).type().shape().back() * n.type().elements(), move_cost(n).bytes};
}

std::vector<ir::Sample> block_dot_samples() {
  std::vector<ir::Encoding> formats;
  for (ir::Encoding e : ir::built_in_encodings())
    if (e.format()->order == ir::BlockOrder::AlongLastAxis && ir::scaled_integers(*e.format())) formats.push_back(e);
  std::vector<ir::Sample> all;
  const auto add = [&](ir::Encoding a, std::initializer_list<Dim> x, ir::Encoding b, std::initializer_list<Dim> w,
                       Domain domain = Domain::Normal) {
    all.push_back({{{Type::of(a, x), domain}, {Type::of(b, w), domain}}, {}, {}});
  };
  for (ir::Encoding a : formats)
    for (ir::Encoding b : formats) {
      if (a.format()->elements != b.format()->elements) continue;
      add(a, {3, 96}, b, {5, 96});
      add(a, {2, 64}, b, {3, 64}, Domain::Special);
    }
  const ir::Encoding x = formats.front(), w = formats.back();
  add(x, {64}, w, {7, 64});
  add(x, {2, 3, 64}, w, {7, 64});
  add(x, {2, 3, 64}, w, {2, 7, 64});
  add(x, {2, 0}, w, {3, 0});
  add(x, {0, 64}, w, {3, 64});
  add(x, {2, 64}, w, {0, 64});
  return all;
}

constexpr ir::EncodedRule kReadsBlocks{};

}  // namespace

constinit const Op kBlockDot = {
    .name = "block_dot",
    .family = "contraction",
    .doc =
        "[batch..., rows..., K] by [batch..., N, K] gives f32 [batch..., rows..., N], of blocks of integers under "
        "scales (q8_0, q4_0, and declared formats "
        "that decode to f32(integer) * scale): the sum over blocks, ascending, of fma(f32(s), scale of lhs * scale of "
        "rhs, acc), where s is the block's sum of products of integers, exact. Chains of at most 256 blocks, joined by "
        "a tree. dot of the same operands means another order: it multiplies the decoded numbers one by one. An empty "
        "sum is 0. No tangents: blocks are data, like integers.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::only(DType::u8),
    .infer = block_dot_infer,
    .jvp = kNoTangents,
    .transpose = kNoTangents,
    .vmap = block_dot_vmap,
    .lower = block_dot_lower,
    .reference = block_dot_reference,
    .tolerance = exact(),
    .cost = block_dot_cost,
    .samples = block_dot_samples,
    .encoded = &kReadsBlocks,
};

Value block_dot(Value lhs, Value rhs) { return lhs.graph().add1(kBlockDot, {lhs, rhs}); }

}  // namespace strata::ops
