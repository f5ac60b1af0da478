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

 private:
  const char* text_ = nullptr;
};

/// To hold while a layer records: what it records stands in the user's line, under the layer's path.
class LayerScope {
 public:
  LayerScope(const Path& path, Source at) : path_(path.text()), line_(at) {}

 private:
  PathScope path_;
  LineScope line_;
};

}  // namespace strata::nn
