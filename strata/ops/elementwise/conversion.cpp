// cast and bitcast.
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ops/facets/facets.h"

namespace strata::ops {
namespace {

constexpr ir::AttrSpec kAttrs[] = {{"to", ir::AttrKind::Type, "the result's dtype"}};

void cast_infer(ir::Infer& i) { i.result(i.type(0).with_dtype(i.attrs.dtype("to"))); }

void bitcast_infer(ir::Infer& i) {
  const DType from = i.type(0).dtype(), to = i.attrs.dtype("to");
  if (ir::is_bool(from) || ir::is_bool(to) || ir::dtype_bytes(from) != ir::dtype_bytes(to))
    i.fail(base::code::kOperandTypes, "dtypes must have one width and not be bool, found " +
                                          std::string(ir::dtype_name(from)) + " to " + std::string(ir::dtype_name(to)));
  i.result(i.type(0).with_dtype(to));
}

/// Integer to float rounds once, except that half floats are reached through f32.
template <class Int>
void store_int(HostArray& out, int64_t i, Int value) {
  if (out.dtype() == DType::f64)
    out.as<double>()[i] = static_cast<double>(value);
  else if (ir::is_float(out.dtype()))
    out.set(i, static_cast<double>(static_cast<float>(value)));
  else
    out.set_int(i, static_cast<int64_t>(value));
}

/// Integers travel as integers, so that no digit is lost on the way.
void cast_reference(ir::Reference& r) {
  const HostArray& x = r.operands[0];
  for (int64_t i = 0; i < x.elements(); ++i) {
    if (ir::is_float(x.dtype()))
      r.results[0].set(i, x.get(i));
    else if (x.dtype() == DType::u64)
      store_int(r.results[0], i, x.as<uint64_t>()[i]);
    else
      store_int(r.results[0], i, x.get_int(i));
  }
}

std::vector<ir::Sample> cast_samples() {
  std::vector<ir::Sample> all;
  for (DType from : ir::kAllDTypes)
    for (DType to : ir::kAllDTypes) {
      if (from == DType::f32 || to == DType::f32) all.push_back({{{Type::of(from, {7})}}, {Attr("to", to)}, {}});
      all.push_back({{{Type::of(from, {67}), Domain::Special}}, {Attr("to", to)}, {}});
    }
  all.push_back({{{Type::scalar(DType::f32)}}, {Attr("to", DType::bf16)}, {}});
  return all;
}

std::vector<ir::Sample> bitcast_samples() {
  std::vector<ir::Sample> all;
  for (DType from : ir::kAllDTypes)
    for (DType to : ir::kAllDTypes)
      if (ir::dtype_bytes(from) == ir::dtype_bytes(to) && !ir::is_bool(from) && !ir::is_bool(to))
        all.push_back({{{Type::of(from, {67}), Domain::Special}}, {Attr("to", to)}, {}});
  return all;
}

}  // namespace

constinit const Op kCast = {
    .name = "cast",
    .family = "elementwise",
    .doc =
        "The value in another dtype. Floats round to nearest even and overflow to infinity; float to integer truncates "
        "and saturates, NaN gives 0; integer to integer wraps; to bool: whether x is not 0. Integers and bool reach "
        "f16 and bf16 through f32. Linear between floats.",
    .attrs = kAttrs,
    .types = ir::kAnyDType,
    .infer = cast_infer,
    .jvp =
        [](ir::Jvp& j) {
          if (ir::is_float(j.result().dtype())) j.set(cast(j.tangent(0), j.result().dtype()));
        },
    .transpose = [](ir::Transpose& t) { t.set(0, cast(t.cotangent(), t.operand_type(0).dtype())); },
    .vmap = vmap_pointwise,
    .lower =
        [](ir::Lowering& l) {
          l.element(0, [&l](std::span<const Expr> index) {
            return l.context.cast(l.node.type().dtype(), l.operand(0, index));
          });
        },
    .reference = cast_reference,
    .tolerance = exact(),
    .cost = cost_per_element<1>,
    .samples = cast_samples,
    .is_pointwise = true,
};

constinit const Op kBitcast = {
    .name = "bitcast",
    .family = "elementwise",
    .doc = "The same bits read as another dtype of the same width; not bool. The derivative is 0.",
    .attrs = kAttrs,
    .types = ir::kNumbers,
    .infer = bitcast_infer,
    .jvp = zero_tangent,
    .transpose = kNotLinear,
    .vmap = vmap_pointwise,
    .lower =
        [](ir::Lowering& l) {
          l.element(0, [&l](std::span<const Expr> index) {
            return l.context.bitcast(l.node.type().dtype(), l.operand(0, index));
          });
        },
    .reference = [](ir::Reference& r) { std::memcpy(r.results[0].data(), r.operands[0].data(), r.results[0].bytes()); },
    .tolerance = exact(),
    .cost = move_cost,
    .samples = bitcast_samples,
    .is_pointwise = true,
};

}  // namespace strata::ops
