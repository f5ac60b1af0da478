#include "strata/ops/window/window_layout.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/graph/entry_conditions.h"

#include <fmt/format.h>

namespace strata::ops {

Window window_of(const ir::Attrs& attrs) {
  auto list = [&](std::string_view name) {
    const auto d = attrs.dims(name);
    return Shape(d.begin(), d.end());
  };
  return {list("window"), list("strides"), list("pad_lo"), list("pad_hi"), list("dilation")};
}

std::vector<Attr> window_attrs(const Window& w, int64_t batch) {
  return {Attr("window", dims_span(w.window)),     Attr("strides", dims_span(w.strides)),
          Attr("pad_lo", dims_span(w.pad_lo)),     Attr("pad_hi", dims_span(w.pad_hi)),
          Attr("dilation", dims_span(w.dilation)), Attr("batch", batch)};
}

Shape window_shape(const ir::Infer& i) {
  const Type x = i.type(0);
  const Window w = window_of(i.attrs);
  for (const auto& [list, name] :
       {std::pair(&w.window, "window"), std::pair(&w.strides, "strides"), std::pair(&w.pad_lo, "pad_lo"),
        std::pair(&w.pad_hi, "pad_hi"), std::pair(&w.dilation, "dilation")})
    if (std::ssize(*list) != x.rank())
      i.fail(base::code::kAttributeValue, fmt::format("'{}' has {} entries for rank {}", name, list->size(), x.rank()));
  for (const Shape* list : {&w.window, &w.strides, &w.dilation})
    for (Dim d : *list)
      if (ir::is_below_zero(d - 1)) i.fail(base::code::kAttributeValue, "windows, strides and dilations are 1 or more");
  for (const Shape* list : {&w.pad_lo, &w.pad_hi})
    for (Dim d : *list)
      if (ir::is_below_zero(d)) i.fail(base::code::kAttributeValue, "the padding of a window is 0 or more");
  if (i.attrs.integer("batch") < 0 || i.attrs.integer("batch") > x.rank())
    i.fail(base::code::kAxis, "batch is out of range");
  Shape shape;
  for (int a = 0; a < x.rank(); ++a) {
    const Dim room = x.dim(a) + w.pad_lo[a] + w.pad_hi[a] - ((w.window[a] - 1) * w.dilation[a] + 1);
    const bool is_empty = room.is_constant() && room.constant() < 0;
    shape.push_back(is_empty ? Dim(0) : floor_div(room, w.strides[a]) + 1);
  }
  return shape;
}

Window with_batch_axis(const Window& w) {
  return {prepend(Dim(1), dims_span(w.window)), prepend(Dim(1), dims_span(w.strides)),
          prepend(Dim(0), dims_span(w.pad_lo)), prepend(Dim(0), dims_span(w.pad_hi)),
          prepend(Dim(1), dims_span(w.dilation))};
}

int64_t untouched_axes(const Window& w) {
  size_t a = 0;
  while (a < w.window.size() && w.window[a] == Dim(1) && w.strides[a] == Dim(1) && w.pad_lo[a] == Dim(0) &&
         w.pad_hi[a] == Dim(0))
    ++a;
  return a;
}

GuardedIndex window_index(ir::loops::LoopContext& c, const Window& w, Type x, std::span<const Expr> t,
                          std::span<const Expr> k) {
  const IndexMath m{c};
  GuardedIndex from;
  auto also = [&](Expr condition) { from.valid = from.valid ? m.both(from.valid, condition) : condition; };
  for (size_t a = 0; a < t.size(); ++a) {
    const Expr extent = m.at(x.dim(a));
    Expr p = m.add(m.mul(t[a], m.at(w.strides[a])), m.mul(k[a], m.at(w.dilation[a])));
    p = m.sub(p, m.at(w.pad_lo[a]));
    const bool in_front = !(w.pad_lo[a] == Dim(0)), behind = !(w.pad_hi[a] == Dim(0));
    if (in_front) also(m.le(m.num(0), p));
    if (behind || in_front) also(m.lt(p, extent));
    from.index.push_back(in_front || behind ? m.clamp(p, extent) : p);
  }
  return from;
}

void for_each_in_window(const ir::Reference& r, const Window& w, const Ints& t, const std::function<void(int64_t)>& f) {
  const auto& shape = r.operands[0].shape();
  const Ints strides = row_strides(shape), window = run_time(r, w.window), step = run_time(r, w.strides),
             lo = run_time(r, w.pad_lo), dilation = run_time(r, w.dilation);
  for_each_index(window, [&](const Ints& k) {
    int64_t offset = 0;
    for (size_t a = 0; a < k.size(); ++a) {
      const int64_t p = t[a] * step[a] + k[a] * dilation[a] - lo[a];
      if (p < 0 || p >= shape[a]) return;
      offset += p * strides[a];
    }
    f(offset);
  });
}

}  // namespace strata::ops
