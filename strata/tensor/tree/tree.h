// Trees: structs, vectors and tuples of tensors, walked in the order of their declaration.
//
//   struct Mlp {
//     nn::Linear hidden{784, 128}, out{128, 10};
//     STRATA_FIELDS(hidden, out)
//   };
//
// Structs inside of functions may be trees, too. A tree whose configuration leaves a field out says so by a member
// `bool lacks(std::string_view field) const`, as layers without a bias do: no walk meets that field then.
//
// A leaf is a Tensor (a parameter), a Buffer (running statistics: state without a gradient), or static configuration
// (numbers, bools, enums, strings: part of a jit program's identity). Paths join names with dots, as PyTorch's state
// dicts do: "hidden.weight", "blocks.3.attention.bias".
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "strata/base/bytes/hash.h"
#include "strata/tensor/tensor.h"

namespace strata {

/// A tensor that is state but not a parameter: it is saved and updated, never differentiated.
class Buffer : public Tensor {
 public:
  using Tensor::Tensor;
  Buffer() = default;
  Buffer(Tensor t) : Tensor(std::move(t)) {}
};

enum class LeafKind : uint8_t { Parameter, Buffer };

/// Names the members that form the tree. No member templates, which a struct inside of a function can't have.
#define STRATA_FIELDS(...)                                     \
  auto strata_fields() { return std::tie(__VA_ARGS__); }       \
  auto strata_fields() const { return std::tie(__VA_ARGS__); } \
  static constexpr std::string_view strata_field_names() { return #__VA_ARGS__; }

namespace tree_detail {

/// Splits the names that STRATA_FIELDS was given.
class FieldNames {
 public:
  constexpr explicit FieldNames(std::string_view names) : rest_(names) {}
  constexpr std::string_view next() {
    const size_t comma = rest_.find(',');
    std::string_view name = rest_.substr(0, comma);
    rest_ = comma == std::string_view::npos ? std::string_view() : rest_.substr(comma + 1);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    return name;
  }

 private:
  std::string_view rest_;
};

struct AnyVisitor {
  template <class T>
  void operator()(std::string_view, T&&) {}
};
template <class T>
concept NamesFields = requires(T& t) { t.strata_fields(); };
/// Either by STRATA_FIELDS or by a member of its own, for fields that only a loop can name.
template <class T>
concept HasFields = NamesFields<T> || requires(T& t, AnyVisitor v) { t.visit_fields(v); };

template <class T>
bool lacks(const T& tree, std::string_view field) {
  if constexpr (requires {
                  { tree.lacks(field) } -> std::same_as<bool>;
                })
    return tree.lacks(field);
  else
    return false;
}
template <class T>
concept StaticLeaf = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, std::string>;

inline std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

}  // namespace tree_detail

/// Calls visitor(name, field) for each field of a tree that has fields.
template <tree_detail::HasFields T, class V>
void visit_fields(T& tree, V&& visitor) {
  auto visit = [&](std::string_view name, auto& field) {
    if (!tree_detail::lacks(tree, name)) visitor(name, field);
  };
  if constexpr (tree_detail::NamesFields<T>) {
    tree_detail::FieldNames names(std::remove_cv_t<T>::strata_field_names());
    std::apply([&](auto&... fields) { (visit(names.next(), fields), ...); }, tree.strata_fields());
  } else {
    tree.visit_fields(visit);
  }
}

/// Walks a tree: visitor.tensor(path, LeafKind, tensor) and visitor.constant(path, value). T may be const.
template <class T, class V>
void walk_tree(T& tree, const std::string& path, V& visitor) {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, Buffer>)
    visitor.tensor(path, LeafKind::Buffer, tree);
  else if constexpr (std::is_same_v<U, Tensor>)
    visitor.tensor(path, LeafKind::Parameter, tree);
  else if constexpr (tree_detail::StaticLeaf<U>)
    visitor.constant(path, tree);
  else if constexpr (tree_detail::HasFields<T>) {
    visit_fields(tree,
                 [&](std::string_view name, auto& field) { walk_tree(field, tree_detail::join(path, name), visitor); });
  } else if constexpr (requires {
                         tree.has_value();
                         *tree;
                       }) {
    visitor.constant(path, tree.has_value());
    if (tree.has_value()) walk_tree(*tree, path, visitor);
  } else if constexpr (requires { std::tuple_size<U>::value; }) {
    [&]<size_t... i>(std::index_sequence<i...>) {
      (walk_tree(std::get<i>(tree), tree_detail::join(path, std::to_string(i)), visitor), ...);
    }(std::make_index_sequence<std::tuple_size_v<U>>());
  } else if constexpr (requires {
                         tree.begin();
                         tree.end();
                         tree.size();
                       }) {
    visitor.constant(path, std::ssize(tree));
    size_t i = 0;
    for (auto& item : tree) walk_tree(item, tree_detail::join(path, std::to_string(i++)), visitor);
  } else {
    static_assert(sizeof(U) == 0,
                  "not a tree: give the type STRATA_FIELDS(...), or make it a Tensor, a number, an enum, or a "
                  "container of trees");
  }
}

/// A list of one, which allocates nothing, or of more: a model has thousands of leaves, and few of them are tied.
template <class T>
class OneOrMore {
 public:
  OneOrMore(T first) : one_(std::move(first)) {}
  size_t size() const { return more_.empty() ? 1 : more_.size(); }
  const T* begin() const { return more_.empty() ? &one_ : more_.data(); }
  const T* end() const { return begin() + size(); }
  const T& operator[](size_t i) const { return begin()[i]; }
  void push_back(T next) {
    if (more_.empty()) more_.push_back(std::move(one_));
    more_.push_back(std::move(next));
  }

 private:
  T one_;
  std::vector<T> more_;  ///< all of them, when there are several
};

/// One distinct tensor of a tree with all places where it stands: a tied parameter is one leaf with two paths.
struct Leaf {
  OneOrMore<std::string> paths;
  OneOrMore<Tensor*> places;
  LeafKind kind;
  const Tensor& tensor() const { return *places[0]; }
  void assign(const Tensor& t) const {
    for (Tensor* place : places) *place = t;
  }
};

/// The leaves of a tree in order, and a hash of its static part (structure and constants).
struct Leaves {
  std::vector<Leaf> list;
  base::Hash128 structure;
};

/// Collects; the tree must outlive the result. Of a const tree, too, whose leaves are read and not assigned to.
class LeafCollector {
 public:
  Leaves leaves;
  template <class X>
  void tensor(const std::string& path, LeafKind kind, X& t) {
    add(path, kind, const_cast<Tensor*>(static_cast<const Tensor*>(&t)));
  }
  template <class X>
  void constant(const std::string& path, const X& value) {
    if constexpr (std::is_same_v<X, std::string>)
      mix(path, base::hash_text(value));
    else if constexpr (std::is_floating_point_v<X>)
      mix(path, base::combine(base::Hash128{}, std::bit_cast<uint64_t>(static_cast<double>(value))));
    else
      mix(path, base::combine(base::Hash128{}, static_cast<uint64_t>(value)));
  }

 private:
  void add(const std::string& path, LeafKind kind, Tensor* place);
  Leaf* tied_to(const recording_detail::Cell* cell);
  void mix(const std::string& path, base::Hash128 value);
  /// Leaves by their tensor, once there are too many to compare with each.
  std::unordered_map<const recording_detail::Cell*, size_t> by_cell_;
};

template <class T>
Leaves leaves_of(T& tree) {
  LeafCollector collector;
  walk_tree(tree, "", collector);
  return std::move(collector.leaves);
}

/// Number of elements of the parameters of a tree.
template <class T>
int64_t parameter_count(T& tree) {
  int64_t count = 0;
  for (const Leaf& leaf : leaves_of(tree).list)
    if (leaf.kind == LeafKind::Parameter && leaf.tensor().defined())
      count += leaf.tensor().type().elements().constant();
  return count;
}

}  // namespace strata
