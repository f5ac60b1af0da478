// Initialisation: a model's layers describe their parameters, nn::init fills them.
//
//   auto model = nn::init<Mlp>(Key{0});                 // or: Mlp model; nn::init(model, Key{0});
//
// Each parameter's key is the model's key folded with the parameter's path ("hidden.weight"), so that neither the order
// of the members nor other layers change it. Distributions and bounds are PyTorch's defaults. The numbers are computed
// when they are first needed: a model that is loaded from a file right away costs nothing here.
#pragma once

#include <string>
#include <string_view>

#include "strata/nn/path.h"
#include "strata/tensor/random.h"
#include "strata/tensor/tree/tree.h"

namespace strata::nn {

/// What a layer fills its parameters with; knows the layer's path.
class Initialiser {
 public:
  Initialiser(Key key, std::string path, DType dtype) : key_(std::move(key)), path_(std::move(path)), dtype_(dtype) {}

  const std::string& path() const { return path_; }
  DType dtype() const { return dtype_; }
  /// "linear hidden.0": how messages call a layer of this kind that stands here.
  std::string owner(std::string_view layer) const;
  /// The key of one parameter of the layer.
  Key key(std::string_view name) const { return key_.fold_in(tree_detail::join(path_, name)); }

  Tensor uniform(std::string_view name, const Shape& shape, double bound) const;  ///< in [-bound, bound)
  Tensor normal(std::string_view name, const Shape& shape, double deviation) const;
  Tensor zeros(const Shape& shape) const;
  Tensor ones(const Shape& shape) const;

 private:
  Key key_;
  std::string path_;
  DType dtype_;
};

// Distributions by name, for layers and models of one's own. Weights are [out, in, window...].

struct Fans {
  int64_t in, out;
};
Fans fans_of(const Shape& weight, Source at = Source::here());  ///< E0508
/// Bounds of uniform distributions, deviations of normal ones (Glorot and Bengio 2010; He et al. 2015).
double xavier_uniform_bound(Fans fans, double gain = 1, Source at = Source::here());
double xavier_normal_deviation(Fans fans, double gain = 1, Source at = Source::here());
/// `slope`: of the leaky ReLU behind the layer; 0 for ReLU.
double kaiming_uniform_bound(Fans fans, double slope = 0, Source at = Source::here());
double kaiming_normal_deviation(Fans fans, double slope = 0, Source at = Source::here());
/// Normal, redrawn nowhere: cut at `cut` deviations by the inverse CDF of the cut distribution. Floats (E0100); E0760
/// for a deviation below 0 and a cut that is not above 0, E0140 for a deviation that the dtype does not hold.
Tensor truncated_normal(const Key& key, const Shape& shape, double deviation, double cut = 2, DType dtype = DType::f32,
                        Source at = Source::here());
/// Orthonormal rows or columns, whichever are fewer; on the host, in f64 (Gram-Schmidt twice).
Tensor orthogonal(const Key& key, int64_t rows, int64_t columns, double gain = 1, DType dtype = DType::f32,
                  Source at = Source::here());

struct InitOptions {
  DType dtype = DType::f32;  ///< a float's (E0760)
};
void check_options(const InitOptions& options);

/// Fills a subtree that stands at `path`: the fields first, then its own `initialise`, which may overrule them.
template <class T>
void initialise_tree(T& tree, const std::string& path, const Key& key, const InitOptions& options) {
  if constexpr (std::is_base_of_v<Tensor, T> || tree_detail::StaticLeaf<T>) return;
  auto fill = [&](std::string_view name, auto& field) {
    initialise_tree(field, tree_detail::join(path, name), key, options);
  };
  size_t i = 0;
  if constexpr (std::is_base_of_v<Tensor, T> || tree_detail::StaticLeaf<T>) {
  } else if constexpr (tree_detail::HasFields<T>) {
    visit_fields(tree, fill);
  } else if constexpr (requires { tree.has_value(); }) {
    if (tree.has_value()) initialise_tree(*tree, path, key, options);
  } else if constexpr (requires { std::tuple_size<T>::value; }) {
    std::apply([&](auto&... item) { (fill(std::to_string(i++), item), ...); }, tree);
  } else {
    for (auto& item : tree) fill(std::to_string(i++), item);
  }
  if constexpr (requires { tree.path.set(path); }) tree.path.set(path);
  if constexpr (requires(const Initialiser& init) { tree.initialise(init); })
    tree.initialise(Initialiser(key, path, options.dtype));
}

/// Fills all parameters and buffers of a model. E0760 names a layer's option that is out of its bounds.
template <class Model>
void init(Model& model, const Key& key, const InitOptions& options = {}, Source at = Source::here()) {
  const LineScope scope(at);
  ops::noting_line(at, [&] {
    check_options(options);
    initialise_tree(model, "", key, options);
  });
}
template <class Model>
Model init(const Key& key, const InitOptions& options = {}, Source at = Source::here()) {
  Model model{};
  init(model, key, options, at);
  return model;
}

}  // namespace strata::nn
