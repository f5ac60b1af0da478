#include "strata/compiler/graph/canonicalise.h"

#include <algorithm>

#include "strata/compiler/graph/apply_rules.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/broadcast.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"

namespace strata::compiler {

using ir::Dim;
using ir::DType;
using ir::Node;
using ir::Shape;
using ir::Value;
using ops::Ints;

namespace {

bool is(Value v, const ir::Op& op) { return v.node->op == &op; }

bool all_equal(std::span<const Dim> dims, Dim to) {
  return std::ranges::all_of(dims, [&](Dim d) { return d == to; });
}

/// Movements whose result is their operand.
Value drop_identity(const Node& n) {
  if (n.operand_count == 0 || n.operand(0).type() != n.type()) return {};
  const Value x = n.operand(0);
  if (n.op == &ops::kReshape || n.op == &ops::kCast || n.op == &ops::kBitcast) return x;
  if (n.op == &ops::kBroadcast) return x;  // equal ranks and ascending axes: nothing moved or stretched
  if (n.op == &ops::kTranspose) return std::ranges::is_sorted(n.attrs.ints("perm")) ? x : Value{};
  if (n.op == &ops::kReverse) {
    const auto axes = n.attrs.ints("axes");
    return std::ranges::all_of(axes, [&](int64_t a) { return x.shape()[a] == Dim(1); }) ? x : Value{};
  }
  if (n.op == &ops::kConcat && n.operand_count == 1) return x;
  if (n.op == &ops::kPad)
    return all_equal(n.attrs.dims("lo"), 0) && all_equal(n.attrs.dims("interior"), 0) ? x : Value{};
  if (n.op == &ops::kSlice)
    return all_equal(n.attrs.dims("start"), 0) && all_equal(n.attrs.dims("stride"), 1) ? x : Value{};
  return {};
}

/// stop_gradient means something to transforms, and they have run.
Value drop_marks(const Node& n) { return n.op == &ops::kStopGradient ? n.operand(0) : Value{}; }

Value join_reshapes(const Node& n) {
  if (n.op != &ops::kReshape || !is(n.operand(0), ops::kReshape)) return {};
  return ops::reshape(n.operand(0).node->operand(0), Shape(n.type().shape().begin(), n.type().shape().end()));
}

Value join_transposes(const Node& n) {
  if (n.op != &ops::kTranspose || !is(n.operand(0), ops::kTranspose)) return {};
  const auto outer = n.attrs.ints("perm"), inner = n.operand(0).node->attrs.ints("perm");
  Ints perm;
  for (int64_t p : outer) perm.push_back(inner[p]);
  return ops::transpose(n.operand(0).node->operand(0), perm);
}

Value join_broadcasts(const Node& n) {
  if (n.op != &ops::kBroadcast || !is(n.operand(0), ops::kBroadcast)) return {};
  const auto outer = n.attrs.ints("axes"), inner = n.operand(0).node->attrs.ints("axes");
  Ints axes;
  for (int64_t a : inner) axes.push_back(outer[a]);
  return ops::broadcast(n.operand(0).node->operand(0), n.type().shape(), axes);
}

/// broadcast(reshape(x)) where the reshape only puts axes of extent 1 in or takes them out: the broadcast can do that
/// itself, and a reshape in between would keep producer and consumer in separate kernels.
Value broadcast_through_reshape(const Node& n) {
  if (n.op != &ops::kBroadcast || !is(n.operand(0), ops::kReshape)) return {};
  const Value y = n.operand(0), x = y.node->operand(0);
  const auto axes = n.attrs.ints("axes");
  Ints through;
  size_t next = 0;
  for (int a = 0; a < x.rank(); ++a) {
    if (x.shape()[a] == Dim(1)) return {};  // would need an axis of its own between the others
    while (next < y.shape().size() && y.shape()[next] == Dim(1)) ++next;
    if (next == y.shape().size() || y.shape()[next] != x.shape()[a]) return {};
    through.push_back(axes[next++]);
  }
  while (next < y.shape().size() && y.shape()[next] == Dim(1)) ++next;
  return next == y.shape().size() ? ops::broadcast(x, n.type().shape(), through) : Value{};
}

/// Every value of `from` is one of `to`.
bool holds(DType to, DType from) {
  if (from == to) return true;
  if (ir::is_half_float(from)) return to == DType::f32 || to == DType::f64;
  if (from == DType::f32) return to == DType::f64;
  if (ir::is_bool(from)) return !ir::is_bool(to);
  if (!ir::is_int(from)) return false;
  const int64_t bits = ir::dtype_bytes(from) * 8 - ir::is_signed_int(from);
  if (ir::is_int(to))
    return (ir::is_signed_int(to) || ir::is_unsigned_int(from)) &&
           ir::dtype_bytes(to) * 8 - ir::is_signed_int(to) >= bits;
  return (to == DType::f64 && bits <= 53) || (to == DType::f32 && bits <= 24);
}

/// Whether a cast of `from`, all of whose values `between` holds, gives what it gives by way of `between`: floats
/// saturate where integers wrap, and integers become half floats by way of f32.
bool skips(DType between, DType from, DType to) {
  if (!ir::is_int(from) || !ir::is_float(between)) return true;
  if (ir::is_int(to)) return holds(to, from);
  return !ir::is_half_float(to) || holds(DType::f32, from);
}

/// cast(cast(x)) where the first loses nothing.
Value join_casts(const Node& n) {
  if (n.op != &ops::kCast || !is(n.operand(0), ops::kCast)) return {};
  const Value x = n.operand(0).node->operand(0);
  const DType between = n.operand(0).dtype();
  if (!holds(between, x.dtype()) || !skips(between, x.dtype(), n.type().dtype())) return {};
  if (x.type() == n.type()) return x;
  return x.graph().add1(ops::kCast, {x}, {ir::Attr("to", n.type().dtype())});
}

Value constants_to_the_right(const Node& n) {
  if (!n.op->is_commutative || n.operand_count != 2 || !splat_of(n.operand(0)) || splat_of(n.operand(1))) return {};
  return n.graph->add1(*n.op, {n.operand(1), n.operand(0)});
}

Value choose(const Node& n) {
  if (n.op != &ops::kSelect) return {};
  const Value condition = n.operand(0), x = n.operand(1), y = n.operand(2);
  if (x == y) return x;
  if (const auto known = splat_of(condition)) return known->get_int(0) ? x : y;
  if (is(condition, ops::kNot)) return n.graph->add1(ops::kSelect, {condition.node->operand(0), y, x});
  return {};
}

constexpr NodeRule kRules[] = {drop_identity,   drop_marks,
                               join_reshapes,   join_transposes,
                               join_broadcasts, broadcast_through_reshape,
                               join_casts,      constants_to_the_right,
                               choose};

}  // namespace

std::unique_ptr<ir::Graph> canonicalise(const ir::Graph& graph, const PassContext& context) {
  return apply_rules(graph, kRules, context);
}

}  // namespace strata::compiler
