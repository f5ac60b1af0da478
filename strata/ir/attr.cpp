#include "strata/ir/attr.h"

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/host_array.h"

namespace strata::ir {

const Attr& Attrs::get(std::string_view name, AttrKind kind) const {
  const Attr* a = find(name);
  if (!a || a->kind != kind)
    throw base::Error(base::code::kBug, "attribute '" + std::string(name) + "' is missing or of another kind");
  return *a;
}

base::Hash128 Attr::hash() const {
  base::Hash128 h = base::combine(base::hash_text(name), static_cast<uint64_t>(kind));
  switch (kind) {
    case AttrKind::Bool:
      return base::combine(h, flag);
    case AttrKind::Int:
    case AttrKind::Float:
      return base::combine(h, integer);  // a double by its bits
    case AttrKind::Type:
      return base::combine(h, static_cast<uint64_t>(dtype));
    case AttrKind::Text:
      return base::combine(h, base::hash_text(as_text()));
    case AttrKind::Ints:
      return base::combine(h, base::hash_bytes(std::as_bytes(as_ints())));
    case AttrKind::Dims:
      for (Dim d : as_dims()) h = base::combine(h, d.hash());
      return base::combine(h, count);
    case AttrKind::Array:
      break;
  }
  h = base::combine(h, static_cast<uint64_t>(array->dtype()));
  for (int64_t d : array->shape()) h = base::combine(h, d);
  return base::combine(h, base::hash_bytes(std::span(array->data(), array->bytes())));
}

}  // namespace strata::ir
