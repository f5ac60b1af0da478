// rng_bits and rng_fold: Philox4x32-10 as ops.
//
// Element i of a stream lies in chunk i / 32, which eight blocks fill word by word, so that vectors of eight are stored
// at once:
//
//   element   0 .. 7              8 .. 15             16 .. 23            24 .. 31            32 ..
//             word 0 of block 0-7 word 1 of block 0-7 word 2 of block 0-7 word 3 of block 0-7 word 0 of block 8-15
//
// The counter is {block's low word, block's high word, 0, 0}; rng_fold counts in a stream of its own, {number, ..., 0,
// 1}.
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/unproved.h"
#include "strata/ops/facets/facets.h"
#include "strata/ops/facets/samples.h"
#include "strata/ops/random/random.h"
#include "strata/ops/reduce/fold.h"

namespace strata::ops {
namespace {

using namespace ir::loops;

constexpr int64_t kBlocksPerChunk = 8, kChunk = 4 * kBlocksPerChunk, kChunksPerTask = 128;
constexpr uint32_t kFoldStream = 1;

constexpr AttrSpec kBitsAttrs[] = {{"count", AttrKind::Dims, "how many numbers per key"}};

void require_keys(const ir::Infer& i) {
  if (i.type(0).rank() < 1 || !ir::proved_equal(i.type(0).dim(-1), Dim(2)))
    i.fail(base::code::kOperandShapes, "a key is u32[2], found " + i.type(0).str());
}

void bits_infer(ir::Infer& i) {
  require_keys(i);
  if (i.attrs.dims("count").size() != 1) i.fail(base::code::kAttributeValue, "count is one dimension");
  Shape shape = shape_of(i.type(0));
  shape.back() = i.attrs.dims("count")[0];
  i.result(Type::of(DType::u32, shape));
}

void bits_vmap(ir::Vmap& v) {
  v.set(v.graph.add1(kRngBits, {v.operand(0)}, {Attr("count", v.node.attrs.dims("count"))}));
}

/// The rounds of base::philox on expressions: u32 words, products in u64.
struct PhiloxExpr {
  LoopContext& c;
  Expr word(uint32_t v) const { return c.constant_bits(DType::u32, v); }
  Expr product(Expr a, uint32_t m) const {
    return c.binary(ExprOp::Mul, c.cast(DType::u64, a), c.constant_bits(DType::u64, m));
  }
  Expr low(Expr p) const { return c.cast(DType::u32, p); }
  Expr high(Expr p) const {
    return c.cast(DType::u32, c.binary(ExprOp::ShrLogical, p, c.constant_bits(DType::u64, 32)));
  }
  Expr exclusive(Expr a, Expr b) const { return c.binary(ExprOp::Xor, a, b); }

  std::array<Expr, 4> block(std::array<Expr, 4> x, Expr k0, Expr k1) const {
    for (int r = 0; r < base::kPhiloxRounds; ++r) {
      const Expr p0 = product(x[0], base::kPhiloxMultipliers[0]), p1 = product(x[2], base::kPhiloxMultipliers[1]);
      x = {exclusive(exclusive(high(p1), x[1]), k0), low(p1), exclusive(exclusive(high(p0), x[3]), k1), low(p0)};
      k0 = c.binary(ExprOp::Add, k0, word(base::kPhiloxWeyl[0]));
      k1 = c.binary(ExprOp::Add, k1, word(base::kPhiloxWeyl[1]));
    }
    return x;
  }
  /// Counter words of an i64.
  std::array<Expr, 4> counter(Expr n, uint32_t stream) const {
    const Expr wide = c.cast(DType::u64, n);
    return {low(wide), high(wide), word(0), word(stream)};
  }
};

/// One chunk: eight blocks, 32 elements, less at the end.
StmtList fill_chunk(ir::Lowering& l, std::span<const Expr> lead, Expr chunk, Expr count, Expr k0, Expr k1) {
  LoopContext& c = l.context;
  const IndexMath m{c};
  return {one_loop(c, "lane", c.i64(0), c.i64(kBlocksPerChunk), LoopKind::Vector, [&](Expr lane) {
    const PhiloxExpr philox{c};
    const auto words = philox.block(philox.counter(m.add(m.mul(chunk, m.num(kBlocksPerChunk)), lane), 0), k0, k1);
    StmtList stores;
    for (int w = 0; w < 4; ++w) {
      const Expr at = m.add(m.add(m.mul(chunk, m.num(kChunk)), m.num(w * kBlocksPerChunk)), lane);
      std::vector<Expr> to(lead.begin(), lead.end());
      to.push_back(at);
      stores.push_back(make_if(m.lt(at, count), {make_store(l.result_buffer(0), to, words[w])}));
    }
    return stores;
  })};
}

StmtList bits_loops(ir::Lowering& l) {
  LoopContext& c = l.context;
  const IndexMath m{c};
  const Type y = l.node.type();
  Shape tasks(y.shape().begin(), y.shape().end());
  const Dim chunks = ceil_div(y.dim(-1), Dim(kChunk));
  tasks.back() = ceil_div(chunks, Dim(kChunksPerTask));
  return parallel_over(c, tasks, [&](std::span<const Expr> at) {
    const auto lead = at.subspan(0, at.size() - 1);
    auto key = [&](int64_t i) {
      std::vector<Expr> from(lead.begin(), lead.end());
      from.push_back(c.i64(i));
      return c.load(l.operand_buffer(0), from);
    };
    const Local* k0 = c.local("k0", {DType::u32, 1}, false);
    const Local* k1 = c.local("k1", {DType::u32, 1}, false);
    const Expr first = m.mul(at.back(), m.num(kChunksPerTask));
    const Expr last = m.min(m.add(first, m.num(kChunksPerTask)), m.at(chunks));
    const auto loop = one_loop(c, "chunk", first, last, LoopKind::Serial, [&](Expr chunk) {
      return fill_chunk(l, lead, chunk, m.at(y.dim(-1)), c.read(k0), c.read(k1));
    });
    return StmtList{make_declare(k0, key(0)), make_declare(k1, key(1)), loop};
  });
}

base::PhiloxKey key_at(const HostArray& keys, int64_t i) {
  const auto words = keys.as<uint32_t>();
  return {words[2 * i], words[2 * i + 1]};
}

void bits_reference(ir::Reference& r) {
  HostArray& y = r.results[0];
  const int64_t count = y.shape().back();
  for (int64_t k = 0; 2 * k < r.operands[0].elements(); ++k)
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t block = i / kChunk * kBlocksPerChunk + i % kBlocksPerChunk;
      const auto words = base::philox(base::philox_counter(block, 0, 0), key_at(r.operands[0], k));
      y.as<uint32_t>()[k * count + i] = words[i % kChunk / kBlocksPerChunk];
    }
}

std::vector<ir::Sample> bits_samples() {
  static const Dim counts[] = {1, 37, 8193, 0};
  auto attr = [](int i) { return std::vector<Attr>{Attr("count", std::span<const Dim>(&counts[i], 1))}; };
  return {{{operand(DType::u32, {2})}, attr(0)},
          {{operand(DType::u32, {2})}, attr(1)},
          {{operand(DType::u32, {2})}, attr(2)},
          {{operand(DType::u32, {2})}, attr(3)},
          {{operand(DType::u32, {3, 2})}, attr(1)}};
}

// ---- rng_fold ----

void fold_infer(ir::Infer& i) {
  require_keys(i);
  Shape expected = shape_of(i.type(0));
  expected.pop_back();
  if (!ir::is_int(i.type(1).dtype()) || !ir::proved_equal(i.type(1).shape(), expected))
    i.fail(base::code::kOperandShapes,
           "there is one integer for each key, found " + i.type(0).str() + " and " + i.type(1).str());
  i.result(i.type(0));
}

void fold_lower(ir::Lowering& l) {
  l.element(0, [&l](std::span<const Expr> index) {
    LoopContext& c = l.context;
    const PhiloxExpr philox{c};
    std::vector<Expr> at(index.begin(), index.end() - 1);
    const Expr number = c.cast(DType::i64, l.operand(1, at));
    at.push_back(c.i64(0));
    const Expr k0 = l.operand(0, at);
    at.back() = c.i64(1);
    const auto words = philox.block(philox.counter(number, kFoldStream), k0, l.operand(0, at));
    return c.select(c.binary(ExprOp::Eq, index.back(), c.i64(0)), words[0], words[1]);
  });
}

void fold_reference(ir::Reference& r) {
  for (int64_t k = 0; 2 * k < r.operands[0].elements(); ++k) {
    const base::PhiloxKey words = folded_key(key_at(r.operands[0], k), r.operands[1].get_int(k));
    for (int64_t i = 0; i < 2; ++i) r.results[0].as<uint32_t>()[2 * k + i] = words[i];
  }
}

std::vector<ir::Sample> fold_samples() {
  return {{{operand(DType::u32, {2}), operand(DType::i64, {})}},
          {{operand(DType::u32, {5, 2}), operand(DType::i32, {5})}}};
}

}  // namespace

base::PhiloxKey folded_key(base::PhiloxKey key, uint64_t number) {
  const auto words = base::philox(base::philox_counter(number, 0, kFoldStream), key);
  return {words[0], words[1]};
}

constinit const Op kRngBits = {
    .name = "rng_bits",
    .family = "random",
    .doc =
        "u32 random bits from keys u32[..., 2]: `count` numbers per key. Number i is a word of a Philox4x32-10 block "
        "that depends on the key and i alone, so a longer stream begins with the shorter one.",
    .attrs = kBitsAttrs,
    .types = ir::only(DType::u32),
    .infer = bits_infer,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = bits_vmap,
    .lower = [](ir::Lowering& l) { l.loops({[&l] { return bits_loops(l); }}); },
    .reference = bits_reference,
    .tolerance = ir::exact(),
    .cost = cost_per_element<30>,
    .samples = bits_samples,
};

constinit const Op kRngFold = {
    .name = "rng_fold",
    .family = "random",
    .doc = "Another key u32[..., 2] for each pair of a key and an integer: distinct integers give independent streams.",
    .operands_min = 2,
    .operands_max = 2,
    .types = ir::only(DType::u32),
    .infer = fold_infer,
    .jvp = kNoDerivative,
    .transpose = kNotLinear,
    .vmap = [](ir::Vmap& v) { v.set(v.graph.add1(kRngFold, {v.batched(0), v.batched(1)})); },
    .lower = fold_lower,
    .reference = fold_reference,
    .tolerance = ir::exact(),
    .cost = cost_per_element<120>,
    .samples = fold_samples,
};

}  // namespace strata::ops
