// Attributes of a node: a short list of named constants in the order that the op declares. Plain data; lists and
// literals live in the arena of the graph that holds the node.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/bytes/hash.h"
#include "strata/ir/dim.h"
#include "strata/ir/dtype.h"

namespace strata::ir {

class HostArray;

enum class AttrKind : uint8_t { Bool, Int, Float, Text, Type, Ints, Dims, Array };

struct Attr {
  std::string_view name;  ///< points to static or interned characters
  AttrKind kind = AttrKind::Int;
  uint32_t count = 0;  ///< of Ints, Dims and the characters of Text
  union {
    bool flag;
    int64_t integer = 0;
    double real;
    DType dtype;
    const char* text;
    const int64_t* ints;
    const Dim* dims;
    const HostArray* array;
  };

  Attr() = default;
  Attr(std::string_view name, bool value) : name(name), kind(AttrKind::Bool) { flag = value; }
  Attr(std::string_view name, int64_t value) : name(name), kind(AttrKind::Int) { integer = value; }
  Attr(std::string_view name, int value) : Attr(name, static_cast<int64_t>(value)) {}
  Attr(std::string_view name, double value) : name(name), kind(AttrKind::Float) { real = value; }
  Attr(std::string_view name, DType value) : name(name), kind(AttrKind::Type) { dtype = value; }
  Attr(std::string_view name, std::string_view value) : name(name), kind(AttrKind::Text), count(value.size()) {
    text = value.data();
  }
  Attr(std::string_view name, const char* value) : Attr(name, std::string_view(value)) {}
  Attr(std::string_view name, std::span<const int64_t> value) : name(name), kind(AttrKind::Ints), count(value.size()) {
    ints = value.data();
  }
  Attr(std::string_view name, std::span<const Dim> value) : name(name), kind(AttrKind::Dims), count(value.size()) {
    dims = value.data();
  }
  Attr(std::string_view name, const HostArray* value) : name(name), kind(AttrKind::Array) { array = value; }

  std::string_view as_text() const { return {text, count}; }
  std::span<const int64_t> as_ints() const { return {ints, count}; }
  std::span<const Dim> as_dims() const { return {dims, count}; }
  base::Hash128 hash() const;
};

/// Read access by name. A missing or differently typed attribute is an Internal error: Graph::add checks them on entry.
class Attrs {
 public:
  Attrs() = default;
  Attrs(std::span<const Attr> list) : list_(list) {}

  std::span<const Attr> all() const { return list_; }
  bool empty() const { return list_.empty(); }
  const Attr* find(std::string_view name) const {
    for (const Attr& a : list_)
      if (a.name == name) return &a;
    return nullptr;
  }
  bool flag(std::string_view name) const { return get(name, AttrKind::Bool).flag; }
  int64_t integer(std::string_view name) const { return get(name, AttrKind::Int).integer; }
  double real(std::string_view name) const { return get(name, AttrKind::Float).real; }
  DType dtype(std::string_view name) const { return get(name, AttrKind::Type).dtype; }
  std::string_view text(std::string_view name) const { return get(name, AttrKind::Text).as_text(); }
  std::span<const int64_t> ints(std::string_view name) const { return get(name, AttrKind::Ints).as_ints(); }
  std::span<const Dim> dims(std::string_view name) const { return get(name, AttrKind::Dims).as_dims(); }
  const HostArray& array(std::string_view name) const { return *get(name, AttrKind::Array).array; }

 private:
  const Attr& get(std::string_view name, AttrKind kind) const;
  std::span<const Attr> list_;
};

}  // namespace strata::ir
