// Texts of kernels of convolutions in two dimensions, as lowering writes them: for tests of their schedules.
#pragma once

#include <fmt/format.h>

#include <string>

namespace strata::compiler {

struct Convolution {
  int channels = 2, filters = 4, height = 6, width = 7, window = 3, pad = 1, dilation = 1, stride = 1, groups = 1;
  const char* dtype = "f32";
  int block = 256;  ///< terms of the chains that are joined

  int reach() const { return dilation * (window - 1) + 1; }
  int out_height() const { return (height + 2 * pad - reach()) / stride + 1; }
  int out_width() const { return (width + 2 * pad - reach()) / stride + 1; }
  /// x at row `h` and column `v` of the padded image, or zero.
  std::string pixel(const std::string& at, const std::string& h, const std::string& v) const {
    return fmt::format(
        "select(and(and(le(0, {1}), lt({1}, {3})), and(le(0, {2}), lt({2}, {4}))), %x[{0},max(0, min({1}, {3} - 1)),"
        "max(0, min({2}, {4} - 1))], 0.0)",
        at, h, v, height, width);
  }

  std::string forward() const {
    const int here = channels / groups, there = filters / groups;
    return fmt::format(
        R"(kernel @conv(%x: {0}[B,{1},{2},{3}], %w: {0}[{4},{5},{6},{6}], %b: {0}[{4}]) -> (%y: {0}[B,{4},{7},{8}]) {{
    parallel g in 0..{9} {{ for o in 0..{10} {{ for n in 0..B {{ for h in 0..{7} {{ vector v in 0..{8} {{
      var acc: {0} = 0.0
      for c in 0..{5} joining acc by {12}, outer 1, inner 2 {{ for p in 0..{6} {{ for q in 0..{6} {{
        acc = fma(%w[g*{10} + o,c,p,q], {11}, acc) }} }} }}
      %y[n,g*{10} + o,h,v] = max(add(acc, %b[g*{10} + o]), 0.0) }} }} }} }} }} }})",
        dtype, channels, height, width, filters, here, window, out_height(), out_width(), groups, there,
        pixel(fmt::format("n,g*{} + c", here), fmt::format("h*{} + p*{} - {}", stride, dilation, pad),
              fmt::format("v*{} + q*{} - {}", stride, dilation, pad)),
        block);
  }

  std::string gradient_of_filter() const {
    return fmt::format(
        R"(kernel @dw(%x: {0}[B,{1},{2},{3}], %g: {0}[B,{4},{7},{8}]) -> (%y: {0}[{4},{1},{6},{6}]) {{
    parallel o in 0..{4} {{ for c in 0..{1} {{ for p in 0..{6} {{ vector q in 0..{6} {{ var acc: {0} = 0.0
      for n in 0..B joining acc by {9}, outer 1, inner 2 {{ for h in 0..{7} {{ for v in 0..{8} {{
        acc = fma(%g[n,o,h,v], {5}, acc) }} }} }}
      %y[o,c,p,q] = acc }} }} }} }} }})",
        dtype, channels, height, width, filters,
        pixel("n,c", fmt::format("h*{} + p*{} - {}", stride, dilation, pad),
              fmt::format("v*{} + q*{} - {}", stride, dilation, pad)),
        window, out_height(), out_width(), block);
  }

  std::string gradient_of_depthwise_filter() const {
    return fmt::format(
        R"(kernel @dw(%x: {0}[B,{1},{2},{3}], %g: {0}[B,{1},{4},{5}]) -> (%y: {0}[{1},{6},{6}]) {{
    parallel c in 0..{1} {{ for p in 0..{6} {{ vector q in 0..{6} {{ var acc: {0} = 0.0
      for n in 0..B joining acc by {8}, outer 1, inner 2 {{ for h in 0..{4} {{ for v in 0..{5} {{
        acc = fma({7}, %g[n,c,h,v], acc) }} }} }}
      %y[c,p,q] = acc }} }} }} }})",
        dtype, channels, height, width, out_height(), out_width(), window,
        pixel("n,c", fmt::format("h*{} + p*{} - {}", stride, dilation, pad),
              fmt::format("v*{} + q*{} - {}", stride, dilation, pad)),
        block);
  }
};

}  // namespace strata::compiler
