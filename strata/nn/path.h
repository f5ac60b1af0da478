// Where a layer stands in its model: "blocks.3.attention". Set by nn::init; opened at each call, so that messages,
// profiles and random keys carry it. Not part of the tree.
#pragma once

#include <string_view>

#include "strata/tensor/tensor.h"

namespace strata::nn {

class Path {
 public:
  void set(std::string_view path);
  const char* text() const { return text_; }  ///< interned; null before nn::init
  /// To hold while the layer records.
  PathScope enter() const { return PathScope(text_); }

 private:
  const char* text_ = nullptr;
};

}  // namespace strata::nn
