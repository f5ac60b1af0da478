#include "strata/ir/type.h"

#include <deque>
#include <mutex>
#include <unordered_map>

#include "strata/ir/encoding/block_format.h"

namespace strata::ir {
namespace {

/// The registry of types. A global table by design (house rule 15 lists it): types are compared by address.
struct TypeTable {
  std::mutex lock;
  std::deque<TypeNode> nodes;
  std::unordered_multimap<uint64_t, const TypeNode*> by_hash;
};
TypeTable& type_table() {
  static TypeTable* table = new TypeTable;  // never destroyed: types are used by objects of any lifetime
  return *table;
}

base::Hash128 hash_of(Encoding encoding, std::span<const Dim> shape) {
  const auto dtype = static_cast<uint64_t>(encoding.dtype());
  base::Hash128 h = base::combine(base::Hash128{}, uint64_t{0x7479706500000000u} + dtype);
  if (!encoding.is_plain()) h = base::combine(h, encoding.format()->hash);
  for (Dim d : shape) h = base::combine(h, d.hash());
  return h;
}

}  // namespace

Type Type::of(Encoding encoding, std::span<const Dim> shape) {
  if (!encoding.is_plain()) (void)stored_shape(*encoding.format(), shape);  // asks for whole blocks
  const base::Hash128 hash = hash_of(encoding, shape);
  TypeTable& table = type_table();
  std::lock_guard hold(table.lock);
  auto [first, last] = table.by_hash.equal_range(hash.lo);
  for (auto it = first; it != last; ++it) {
    const TypeNode& node = *it->second;
    if (node.encoding == encoding && std::equal(node.shape.begin(), node.shape.end(), shape.begin(), shape.end()))
      return Type(&node);
  }
  const TypeNode* node = &table.nodes.emplace_back(TypeNode{encoding, Shape(shape.begin(), shape.end()), hash});
  table.by_hash.emplace(hash.lo, node);
  return Type(node);
}

bool Type::is_static() const {
  for (Dim d : shape())
    if (!d.is_constant()) return false;
  return true;
}

Type Type::stored() const { return is_encoded() ? of(DType::u8, stored_shape(*encoding().format(), shape())) : *this; }

Dim Type::bytes() const { return is_encoded() ? stored().elements() : elements() * Dim(dtype_bytes(dtype())); }

std::string shape_str(std::span<const Dim> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? "," : "") + shape[i].str();
  return text + "]";
}

std::string Type::str() const {
  if (!node_) return "none";
  return std::string(encoding().name()) + shape_str(shape());
}

}  // namespace strata::ir
