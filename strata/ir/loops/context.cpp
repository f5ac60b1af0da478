// The arena of a kernel's expressions and the makers of its leaves, loads and lanes.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory_resource>
#include <set>
#include <unordered_set>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/loops/fold.h"
#include "strata/ir/loops/kernel.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/simplify.h"

namespace strata::ir::loops {
namespace {

using base::Error;

[[noreturn]] void refuse(std::string why) { throw Error(base::code::kIllTypedExpr, std::move(why)); }

size_t mix(size_t seed, uint64_t value) {
  uint64_t x = (seed ^ value) * 0x9e3779b97f4a7c15ull;
  return static_cast<size_t>(x ^ (x >> 29));
}

/// All members of the payload are one word, so that `bits` stands for any of them.
struct NodeHash {
  size_t operator()(Expr e) const {
    size_t h = mix(static_cast<size_t>(e->op),
                   (static_cast<uint64_t>(e->type.lanes) << 8) | static_cast<uint64_t>(e->type.dtype));
    h = mix(h, e->bits);
    for (int i = 0; i < e->arg_count; ++i) h = mix(h, reinterpret_cast<uintptr_t>(e->args[i]));
    return h;
  }
};
struct NodeEqual {
  bool operator()(Expr a, Expr b) const {
    return a->op == b->op && a->type == b->type && a->bits == b->bits && a->arg_count == b->arg_count &&
           std::equal(a->args, a->args + a->arg_count, b->args);
  }
};

template <class T>
uint64_t word_of(const T* pointer) {
  static_assert(sizeof(const T*) == sizeof(uint64_t));
  return reinterpret_cast<uintptr_t>(pointer);
}

}  // namespace

struct LoopContext::State {
  std::pmr::monotonic_buffer_resource memory{1 << 14};
  std::unordered_set<Expr, NodeHash, NodeEqual> nodes;
  std::deque<LoopVar> loops;
  std::deque<Local> locals;
  std::deque<Buffer> buffers;
  std::set<std::string, std::less<>> symbols;

  Expr intern(ExprOp op, ScalarType type, std::span<const Expr> args, uint64_t payload = 0) {
    ExprNode probe{op, type};
    probe.arg_count = static_cast<uint8_t>(args.size());
    probe.args = args.data();
    probe.bits = payload;
    if (auto found = nodes.find(&probe); found != nodes.end()) return *found;
    for (Expr arg : args) probe.depth = std::max(probe.depth, arg->depth + 1);
    if (probe.depth > kMaxExprDepth)
      refuse(fmt::format("an expression is more than {} nodes deep; bind parts of it to locals", kMaxExprDepth));
    probe.id = static_cast<uint32_t>(nodes.size());
    if (!args.empty()) {
      auto* copy = static_cast<Expr*>(memory.allocate(args.size_bytes(), alignof(Expr)));
      std::copy(args.begin(), args.end(), copy);
      probe.args = copy;
    }
    auto* node = new (memory.allocate(sizeof(ExprNode), alignof(ExprNode))) ExprNode(probe);
    nodes.insert(node);
    return node;
  }
};

LoopContext::LoopContext() : state_(std::make_unique<State>()) {}
LoopContext::~LoopContext() = default;

const LoopVar* LoopContext::loop_var(std::string name) { return &state_->loops.emplace_back(LoopVar{std::move(name)}); }

const Local* LoopContext::local(std::string name, ScalarType type, bool is_mutable) {
  return &state_->locals.emplace_back(Local{std::move(name), type, is_mutable});
}

const Buffer* LoopContext::buffer(Buffer description) { return &state_->buffers.emplace_back(std::move(description)); }

Expr LoopContext::constant(DType type, double value) { return constant_bits(type, bits_of_double(type, value)); }

Expr LoopContext::constant_bits(DType type, uint64_t bits) {
  if (is_bool(type)) bits = bits != 0;
  if (const auto bytes = dtype_bytes(type); bytes < 8) bits &= (uint64_t{1} << (8 * bytes)) - 1;
  return state_->intern(ExprOp::Constant, {type, 1}, {}, bits);
}

Expr LoopContext::i64(int64_t value) { return constant_bits(DType::i64, static_cast<uint64_t>(value)); }

Expr LoopContext::loop(const LoopVar* var) { return state_->intern(ExprOp::Loop, {DType::i64, 1}, {}, word_of(var)); }

Expr LoopContext::read(const Local* local) { return state_->intern(ExprOp::Read, local->type, {}, word_of(local)); }

Expr LoopContext::load(const Buffer* buffer, std::vector<Expr> indices) {
  if (indices.size() != buffer->shape.size())
    refuse(fmt::format("load of %{}: {} indices for {} axes", buffer->name, indices.size(), buffer->shape.size()));
  int lanes = 1;
  bool all_splat = true;
  for (Expr index : indices) {
    if (index->type.dtype != DType::i64)
      refuse(fmt::format("load of %{}: an index is {}, not i64", buffer->name, type_name(index->type)));
    if (index->type.lanes > 1 && lanes > 1 && index->type.lanes != lanes)
      refuse(fmt::format("load of %{}: indices have {} and {} lanes", buffer->name, lanes, index->type.lanes));
    lanes = std::max<int>(lanes, index->type.lanes);
    all_splat &= index->type.lanes == 1 || is_splat(index);
  }
  for (Expr& index : indices)
    if (is_splat(index)) index = scalar_of_splat(*this, index);
  const Expr load = state_->intern(ExprOp::Load, {buffer->dtype, static_cast<uint16_t>(all_splat ? 1 : lanes)}, indices,
                                   word_of(buffer));
  return all_splat ? broadcast(load, lanes) : load;
}

Expr LoopContext::ramp(Expr base, int64_t stride, int lanes) {
  if (base->type != ScalarType{DType::i64, 1})
    refuse(fmt::format("the base of a ramp is {}, not i64", type_name(base->type)));
  if (lanes < 1 || lanes > kMaxLanes) refuse(fmt::format("a ramp of {} lanes: from 1 to {} work", lanes, kMaxLanes));
  if (stride == 0 || lanes == 1) return broadcast(base, lanes);
  const Expr args[] = {base, i64(stride)};
  return state_->intern(ExprOp::Ramp, {DType::i64, static_cast<uint16_t>(lanes)}, args);
}

Expr LoopContext::broadcast(Expr scalar, int lanes) {
  if (lanes < 1 || lanes > kMaxLanes)
    refuse(fmt::format("a broadcast to {} lanes: from 1 to {} work", lanes, kMaxLanes));
  if (scalar->type.lanes != 1) refuse(fmt::format("a broadcast of {}, which is not a scalar", type_name(scalar->type)));
  if (lanes == 1) return scalar;
  if (scalar->op == ExprOp::Constant)
    return state_->intern(ExprOp::Constant, scalar->type.with_lanes(lanes), {}, scalar->bits);
  const Expr args[] = {scalar};
  return state_->intern(ExprOp::Broadcast, scalar->type.with_lanes(lanes), args);
}

Expr LoopContext::lane(Expr vector, int index) {
  if (index < 0 || index >= vector->type.lanes) refuse(fmt::format("lane {} of {}", index, type_name(vector->type)));
  if (vector->type.lanes == 1) return vector;
  if (is_splat(vector)) return scalar_of_splat(*this, vector);
  if (vector->op == ExprOp::Ramp)
    return binary(ExprOp::Add, vector->args[0], binary(ExprOp::Mul, vector->args[1], i64(index)));
  const Expr args[] = {vector};
  return state_->intern(ExprOp::Lane, vector->type.with_lanes(1), args, static_cast<uint64_t>(index));
}

Expr LoopContext::unary(ExprOp op, Expr a) {
  const ScalarType types[] = {a->type};
  if (op == ExprOp::Cast || op == ExprOp::Bitcast) refuse("cast and bitcast need a type: use their own makers");
  if (auto why = refuse_operands(op, types); !why.empty()) refuse(std::move(why));
  if (Expr simpler = simplify_unary(*this, op, a)) return simpler;
  const Expr args[] = {a};
  return state_->intern(op, a->type, args);
}

Expr LoopContext::cast(DType type, Expr a) {
  if (type == a->type.dtype) return a;
  if (a->type.lanes > 1 && is_splat(a)) return broadcast(cast(type, scalar_of_splat(*this, a)), a->type.lanes);
  if (a->op == ExprOp::Constant)
    if (const auto bits = fold_cast(type, a->type.dtype, a->bits)) return constant_bits(type, *bits);
  const Expr args[] = {a};
  return state_->intern(ExprOp::Cast, {type, a->type.lanes}, args);
}

Expr LoopContext::bitcast(DType type, Expr a) {
  if (type == a->type.dtype) return a;
  const int64_t from_bytes = dtype_bytes(a->type.dtype), to_bytes = dtype_bytes(type), all = a->type.lanes * from_bytes;
  if (all % to_bytes != 0 || all / to_bytes > kMaxLanes || is_bool(type) || is_bool(a->type.dtype))
    refuse(fmt::format("bitcast of {} to {}", type_name(a->type), dtype_name(type)));
  const ScalarType made{type, static_cast<uint16_t>(all / to_bytes)};
  if (from_bytes != to_bytes) {
    const Expr from = a->op == ExprOp::Bitcast ? a->args[0] : a;
    if (from->type == made) return from;
    return state_->intern(ExprOp::Bitcast, made, {&from, 1});
  }
  if (a->type.lanes > 1 && is_splat(a)) return broadcast(bitcast(type, scalar_of_splat(*this, a)), a->type.lanes);
  if (a->op == ExprOp::Constant) return constant_bits(type, a->bits);
  if (a->op == ExprOp::Bitcast) return bitcast(type, a->args[0]);
  const Expr args[] = {a};
  return state_->intern(ExprOp::Bitcast, {type, a->type.lanes}, args);
}

Expr LoopContext::binary(ExprOp op, Expr a, Expr b) {
  const ScalarType types[] = {a->type, b->type};
  if (auto why = refuse_operands(op, types); !why.empty()) refuse(std::move(why));
  const int lanes = std::max(a->type.lanes, b->type.lanes);
  if (a->type.lanes != lanes) a = broadcast(a, lanes);
  if (b->type.lanes != lanes) b = broadcast(b, lanes);
  if (Expr simpler = simplify_binary(*this, op, a, b)) return simpler;
  const Expr args[] = {a, b};
  return state_->intern(op, op_rule(op).compares ? ScalarType{DType::boolean, a->type.lanes} : a->type, args);
}

Expr LoopContext::fma(Expr a, Expr b, Expr c, ExprOp op) {
  const ScalarType types[] = {a->type, b->type, c->type};
  if (op != ExprOp::Fma && op != ExprOp::FmaFlushed) refuse("fma makes fma and fma_flushed");
  if (auto why = refuse_operands(op, types); !why.empty()) refuse(std::move(why));
  const int lanes = std::max({a->type.lanes, b->type.lanes, c->type.lanes});
  Expr args[] = {a, b, c};
  if (lanes > 1 && (a->type.lanes == 1 || is_splat(a)) && (b->type.lanes == 1 || is_splat(b)) &&
      (c->type.lanes == 1 || is_splat(c)))
    return broadcast(fma(scalar_of_splat(*this, a), scalar_of_splat(*this, b), scalar_of_splat(*this, c), op), lanes);
  for (Expr& arg : args)
    if (arg->type.lanes != lanes) arg = broadcast(arg, lanes);
  return state_->intern(op, a->type.with_lanes(lanes), args);
}

Expr LoopContext::select(Expr condition, Expr a, Expr b) {
  const ScalarType types[] = {condition->type, a->type, b->type};
  if (auto why = refuse_operands(ExprOp::Select, types); !why.empty()) refuse(std::move(why));
  const int lanes = std::max({condition->type.lanes, a->type.lanes, b->type.lanes});
  if (condition->op == ExprOp::Constant || a == b) {
    const Expr chosen = condition->bits || a == b ? a : b;
    return chosen->type.lanes == lanes ? chosen : broadcast(chosen, lanes);
  }
  Expr args[] = {condition, a, b};
  bool all_splat = lanes > 1;
  for (Expr arg : args) all_splat &= arg->type.lanes == 1 || is_splat(arg);
  if (all_splat)
    return broadcast(select(scalar_of_splat(*this, condition), scalar_of_splat(*this, a), scalar_of_splat(*this, b)),
                     lanes);
  for (Expr& arg : args)
    if (arg->type.lanes != lanes) arg = broadcast(arg, lanes);
  return state_->intern(ExprOp::Select, a->type.with_lanes(lanes), args);
}

Expr LoopContext::group_dot(ExprOp op, Expr a, Expr b, Expr sum) {
  const ScalarType types[] = {a->type, b->type, sum->type};
  if (!group_of(op)) refuse("group_dot makes dot2, dot2_flushed and dot4");
  if (auto why = refuse_group(op, types); !why.empty()) refuse(std::move(why));
  const Expr args[] = {a, b, sum};
  return state_->intern(op, sum->type, args);
}

Expr LoopContext::interleave(Expr a, Expr b) {
  const ScalarType types[] = {a->type, b->type};
  if (auto why = refuse_group(ExprOp::Interleave, types); !why.empty()) refuse(std::move(why));
  const Expr args[] = {a, b};
  return state_->intern(ExprOp::Interleave, a->type.with_lanes(2 * a->type.lanes), args);
}

namespace {

Expr atom_expr(LoopContext& context, const DimAtom& atom, base::FunctionRef<Expr(std::string_view)> symbol) {
  switch (atom.kind) {
    case DimAtom::Kind::Symbol:
      return symbol(atom.name);
    case DimAtom::Kind::FloorDiv:
      return context.binary(ExprOp::FloorDiv, context.dim(atom.a), context.dim(atom.b));
    case DimAtom::Kind::Mod:
      return context.binary(ExprOp::FloorMod, context.dim(atom.a), context.dim(atom.b));
    case DimAtom::Kind::Min:
      return context.binary(ExprOp::Min, context.dim(atom.a), context.dim(atom.b));
    case DimAtom::Kind::Max:
      break;
  }
  return context.binary(ExprOp::Max, context.dim(atom.a), context.dim(atom.b));
}

}  // namespace

/// Positive terms first, so that B - 1 and B - S need no multiplication by -1.
Expr LoopContext::dim(Dim d) {
  if (d.is_constant()) return i64(d.constant());
  const auto symbol = [&](std::string_view name) {
    const auto at = state_->symbols.emplace(name).first;
    return state_->intern(ExprOp::DimSymbol, {DType::i64, 1}, {}, word_of(at->c_str()));
  };
  Expr sum = nullptr;
  int64_t constant = 0;
  for (const bool negative : {false, true}) {
    for (const DimTerm& term : d.expr()->terms) {
      if ((term.coefficient < 0) != negative) continue;
      if (term.atoms.empty()) {
        constant = term.coefficient;
        continue;
      }
      Expr value = nullptr;
      for (const DimAtom* atom : term.atoms) {
        const Expr factor = atom_expr(*this, *atom, symbol);
        value = value ? binary(ExprOp::Mul, value, factor) : factor;
      }
      value = binary(ExprOp::Mul, value, i64(negative ? -term.coefficient : term.coefficient));
      if (!sum && negative) sum = i64(0);
      sum = !sum ? value : binary(negative ? ExprOp::Sub : ExprOp::Add, sum, value);
    }
  }
  return sum ? binary(ExprOp::Add, sum, i64(constant)) : i64(constant);
}

}  // namespace strata::ir::loops
