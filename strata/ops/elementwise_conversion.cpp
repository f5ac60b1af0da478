// cast and bitcast.
#include "strata/ops/facets.h"

namespace strata::ops {
namespace {

constexpr ir::AttrSpec kAttrs[] = {{"to", ir::AttrKind::Type, "the result's dtype"}};

void cast_infer(ir::Infer& i) { i.result(i.type(0).with_dtype(i.attrs.dtype("to"))); }

void bitcast_infer(ir::Infer& i) {
  const DType from = i.type(0).dtype(), to = i.attrs.dtype("to");
  if (ir::is_bool(from) || ir::is_bool(to) || ir::dtype_bytes(from) != ir::dtype_bytes(to))
    i.fail("E0100", "dtypes must have one width and not be bool, found " + std::string(ir::dtype_name(from)) + " to " +
                        std::string(ir::dtype_name(to)));
  i.result(i.type(0).with_dtype(to));
}

/// Rounds once, which the way through double would not do for f32.
void store_u64(HostArray& out, int64_t i, uint64_t value) {
  if (out.dtype() == DType::f64)
    out.as<double>()[i] = static_cast<double>(value);
  else
    out.set(i, static_cast<double>(static_cast<float>(value)));
}

/// Integers travel as integers (u64 as its bits), so that no digit is lost on the way.
void cast_reference(ir::Reference& r) {
  const DType from = r.operands[0].dtype();
  HostArray& out = r.results[0];
  for (int64_t i = 0; i < out.elements(); ++i) {
    if (ir::is_float(from))
      out.set(i, r.operands[0].get(i));
    else if (from == DType::u64 && ir::is_float(out.dtype()))
      store_u64(out, i, r.operands[0].as<uint64_t>()[i]);
    else
      out.set_int(i, r.operands[0].get_int(i));
  }
}

std::vector<ir::Sample> cast_samples() {
  std::vector<ir::Sample> all;
  for (DType from : ir::kAllDTypes)
    for (DType to : ir::kAllDTypes) {
      all.push_back({{{Type::of(from, {7})}}, {Attr("to", to)}, {}});
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
        "and "
        "saturates, NaN gives 0; integer to integer wraps; to bool: whether x is not 0. Integers and bool reach f16 "
        "and bf16 "
        "through f32. Linear between floats.",
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
    .reference =
        [](ir::Reference& r) {
          std::memcpy(r.results[0].data(), r.operands[0].data(), static_cast<size_t>(r.results[0].bytes()));
        },
    .tolerance = exact(),
    .cost = move_cost,
    .samples = bitcast_samples,
    .is_pointwise = true,
};

}  // namespace strata::ops
