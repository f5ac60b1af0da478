// State dicts: the tensors of a tree by their paths, in safetensors files, with PyTorch's names and layouts.
//
//   save_safetensors("mlp.safetensors", model, {{"epoch", "3"}});
//   load_safetensors("mlp.safetensors", model);            // model: of the same architecture, initialised
//
// A tied parameter is saved once, under its first path, and found under any of them. Undefined leaves are left out.
#pragma once

#include <map>
#include <string>

#include "strata/tensor/tree/tree.h"

namespace strata::nn {

using Metadata = std::map<std::string, std::string>;

struct LoadOptions {
  std::string prefix = {};         ///< in front of every name in the file: "transformer."
  bool allows_missing = false;     ///< leaves that the file lacks keep their values
  bool allows_unexpected = false;  ///< tensors of the file that the tree lacks are passed over
  bool casts_dtypes = false;       ///< values are converted to the leaf's dtype
};

void save_leaves(const std::string& path, const Leaves& leaves, const Metadata& metadata);
Metadata load_leaves(const std::string& path, const Leaves& leaves, const LoadOptions& options);

/// Parameters and buffers. The file at `path` is replaced in one step. Errors: E0002 (can't be written).
template <class Tree>
void save_safetensors(const std::string& path, const Tree& tree, const Metadata& metadata = {}) {
  save_leaves(path, leaves_of(tree), metadata);
}

/// Rebinds every leaf and returns the file's metadata. E0520 names the first tensor, in the tree's order, that is
/// missing in the file or has another shape or dtype there, and then the first of the file that the tree lacks; then
/// nothing has changed.
template <class Tree>
Metadata load_safetensors(const std::string& path, Tree& tree, const LoadOptions& options = {}) {
  return load_leaves(path, leaves_of(tree), options);
}

}  // namespace strata::nn

namespace strata {
using nn::load_safetensors;
using nn::save_safetensors;
}  // namespace strata
