// Arrays as NumPy prints them: nested brackets, columns aligned, floats at the shortest form that up to 8 digits need,
// and the middle left out of large arrays. Source of the rules: NumPy's documentation of `set_printoptions` (threshold
// 1000, edge 3).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/ir/host_array.h"

namespace strata::ir {
namespace {

constexpr int64_t kThreshold = 1000, kEdge = 3;

struct FloatStyle {
  bool scientific = false;
  int precision = 8;
};

/// Digits after the point that `value` needs to be told from its neighbours in its dtype, at most `limit`.
int needed_digits(double value, DType dtype, const FloatStyle& style, int limit) {
  if (dtype == DType::f32 && !style.scientific) {  // the shortest form of the float, not of the double that holds it
    const std::string shortest = fmt::format("{}", static_cast<float>(value));
    const size_t dot = shortest.find('.');
    if (shortest.find('e') == std::string::npos && dot != std::string::npos)
      limit = std::min(limit, static_cast<int>(shortest.size() - dot - 1));
  }
  std::string text = style.scientific ? fmt::format("{:.{}e}", value, limit) : fmt::format("{:.{}f}", value, limit);
  const size_t end = style.scientific ? text.find('e') : text.size();
  size_t last = text.find_last_not_of('0', end - 1);
  const size_t point = text.find('.');
  return point == std::string::npos || last <= point ? 0 : last - point;
}

class Printer {
 public:
  explicit Printer(const HostArray& array) : array_(array), cut_(array.elements() > kThreshold) {
    collect(0, 0);
    choose_style();
    for (int64_t i : shown_) width_ = std::max(width_, element(i).size());
  }
  std::string print() { return array_.rank() == 0 ? element(0) : nested(0, 0, 1); }

 private:
  int64_t stride(int axis) const {
    int64_t s = 1;
    for (int i = axis + 1; i < array_.rank(); ++i) s *= array_.shape()[i];
    return s;
  }
  template <class F>
  void each_shown(int axis, F f) {
    const int64_t n = array_.shape()[axis];
    for (int64_t i = 0; i < n; ++i) {
      if (cut_ && n > 2 * kEdge && i == kEdge) {
        f(int64_t{-1});
        i = n - kEdge;
      }
      f(i);
    }
  }
  void collect(int axis, int64_t offset) {
    if (axis == array_.rank()) return shown_.push_back(offset);
    each_shown(axis, [&](int64_t i) {
      if (i >= 0) collect(axis + 1, offset + i * stride(axis));
    });
  }
  void choose_style() {
    if (!is_float(array_.dtype())) return;
    double largest = 0, smallest = INFINITY;
    for (int64_t i : shown_) {
      const double v = std::fabs(array_.get(i));
      if (!std::isfinite(v) || v == 0) continue;
      largest = std::max(largest, v);
      smallest = std::min(smallest, v);
    }
    style_.scientific = largest >= 1e8 || (largest > 0 && smallest < 1e-4) ||
                        (largest > 0 && largest / smallest > 1e3 && smallest < 1e-3);
    const int limit = array_.dtype() == DType::f16 ? 4 : array_.dtype() == DType::bf16 ? 3 : 8;
    style_.precision = 0;
    for (int64_t i : shown_)
      if (std::isfinite(array_.get(i)))
        style_.precision = std::max(style_.precision, needed_digits(array_.get(i), array_.dtype(), style_, limit));
  }
  std::string element(int64_t i) const {
    if (is_bool(array_.dtype())) return array_.get_int(i) ? "True" : "False";
    if (array_.dtype() == DType::u64) return fmt::format("{}", static_cast<uint64_t>(array_.get_int(i)));
    if (is_int(array_.dtype())) return fmt::format("{}", array_.get_int(i));
    const double v = array_.get(i);
    if (std::isnan(v)) return "nan";
    if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
    // A scalar is no column: "1.0" and "1e-05", where an element is "1." and "1.e-05".
    const bool is_scalar = array_.rank() == 0;
    if (style_.scientific)
      return is_scalar ? fmt::format("{:.{}e}", v, style_.precision) : fmt::format("{:#.{}e}", v, style_.precision);
    // Zeros at the end become spaces, so that points stay aligned: "1. ", "2.5".
    std::string text = fmt::format("{:.{}f}", v, style_.precision);
    if (style_.precision == 0) return text + (is_scalar ? ".0" : ".");
    const size_t last = text.find_last_not_of('0');
    return text.substr(0, last + 1) + std::string(is_scalar ? 0 : text.size() - last - 1, ' ');
  }
  std::string nested(int axis, int64_t offset, int depth) {
    const bool innermost = axis + 1 == array_.rank();
    std::string text = "[";
    bool first = true;
    each_shown(axis, [&](int64_t i) {
      if (!first) text += innermost ? " " : std::string(array_.rank() - axis - 1, '\n') + std::string(depth, ' ');
      first = false;
      if (i < 0)
        text += "...";
      else if (innermost)
        text += fmt::format("{:>{}}", element(offset + i), width_);
      else
        text += nested(axis + 1, offset + i * stride(axis), depth + 1);
    });
    return text + "]";
  }

  const HostArray& array_;
  bool cut_;
  std::vector<int64_t> shown_;
  FloatStyle style_;
  size_t width_ = 0;
};

}  // namespace

std::string HostArray::str() const {
  if (elements_ == 0) return "[]";
  if (is_encoded()) return decoded().str();
  return Printer(*this).print();
}

}  // namespace strata::ir
