// Tensor: what users compute with. A handle to an array in memory, or to a value of the program being recorded.
//
//   Tensor x = Tensor::from({1.f, 2.f, 3.f});
//   Tensor y = exp(x) * 2;          // recorded, not run (lazy; set_flush_policy(FlushPolicy::Sync) runs each op at
//   once) print("{}", y);                 // looked at: compiled and run
//
// Values are immutable; assignment rebinds. Every op of ops/ takes Tensors. Recording is per thread: a tensor that is
// not evaluated yet belongs to the thread that recorded it; evaluate() it before you hand it to another.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/ir/dim.h"
#include "strata/ir/dtype.h"
#include "strata/ir/host_array.h"
#include "strata/ir/type.h"
#include "strata/ops/handle.h"
#include "strata/ops/operators.h"

namespace strata {

using ir::Dim;
using ir::DType;
using ir::HostArray;
using ir::Shape;
using ops::Source;

struct Cell;  // shared state of the handles of one value, recording.h
class Recording;

class Tensor : public ops::Operators<Tensor> {
 public:
  Tensor() = default;
  Tensor(const Tensor& other) noexcept;
  Tensor(Tensor&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~Tensor();

  explicit Tensor(HostArray array);
  /// A copy of elements, f32 for floats and doubles alike unless said otherwise; shape [n].
  template <class T>
  static Tensor from(std::initializer_list<T> elements);
  template <class T>
  static Tensor from(std::span<const T> elements, std::vector<int64_t> shape);
  static Tensor scalar(double value, DType dtype = DType::f32);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Source at = Source::here());
  static Tensor ones(const Shape& shape, DType dtype = DType::f32, Source at = Source::here());
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32, Source at = Source::here());
  static Tensor arange(int64_t count, DType dtype = DType::i64, Source at = Source::here());
  /// Memory of the caller, not copied; `owner` keeps it alive. Aligned to the element at least.
  static Tensor wrap(void* data, DType dtype, std::vector<int64_t> shape, std::shared_ptr<void> owner);

  bool defined() const { return cell_ != nullptr; }
  DType dtype() const { return type().dtype(); }
  Shape shape() const { return {type().shape().begin(), type().shape().end()}; }
  Dim dim(int axis) const { return type().dim(axis); }
  /// Extent of an axis as a number. Inside jit, where it may be symbolic, asking makes the program that of calls with
  /// this size.
  int64_t size(int axis) const;
  int rank() const { return type().rank(); }
  ir::Type type() const;

  /// The elements: evaluates what is pending. E0501 inside jit, where there are none yet.
  const HostArray& array(Source at = Source::here()) const;
  const Tensor& evaluate(Source at = Source::here()) const { return array(at), *this; }
  /// The only element, converted.
  double item(Source at = Source::here()) const;
  template <class T>
  std::span<const T> data(Source at = Source::here()) const {
    return array(at).as<T>();
  }
  std::string str() const;  ///< as NumPy prints it; inside jit its type

  Cell* cell() const { return cell_; }
  /// Takes over one reference.
  explicit Tensor(Cell* cell) : cell_(cell) {}

 private:
  Cell* cell_ = nullptr;
};

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, bool>)
    return DType::boolean;
  else if constexpr (std::is_same_v<T, int8_t>)
    return DType::i8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return DType::i16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return DType::i32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::u8;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return DType::u16;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return DType::u32;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return DType::u64;
  else if constexpr (std::is_same_v<T, ir::F16>)
    return DType::f16;
  else
    return DType::bf16;
}

template <class T>
Tensor Tensor::from(std::initializer_list<T> elements) {
  return from(std::span<const T>(elements.begin(), elements.size()), {static_cast<int64_t>(elements.size())});
}
template <class T>
Tensor Tensor::from(std::span<const T> elements, std::vector<int64_t> shape) {
  return Tensor(HostArray::of<T>(dtype_of<T>(), std::move(shape), elements));
}

/// When recorded ops run.
enum class FlushPolicy : uint8_t {
  Lazy,  ///< when a value is looked at, or past a limit of ops
  Sync,  ///< each op at once: for debugging
};
/// Of this thread.
void set_flush_policy(FlushPolicy policy);
FlushPolicy flush_policy();

/// Names what is recorded while it lives ("block.3"): positions in messages and profiles carry the path.
class NameScope {
 public:
  explicit NameScope(std::string_view name);
  ~NameScope();
  NameScope(const NameScope&) = delete;

 private:
  const char* before_;
};

/// The same with the whole path from the root, interned: what a layer that knows its place in the model opens at each
/// call.
class PathScope {
 public:
  explicit PathScope(const char* interned_path);
  ~PathScope();
  PathScope(const PathScope&) = delete;

 private:
  const char* before_;
};

}  // namespace strata

namespace strata::ops {

template <>
struct HandleTraits<Tensor> {
  static constexpr bool is_handle = true;
  /// Opens the innermost recording of the thread for one op or function.
  class Recording {
   public:
    Recording(Source at, const Tensor* anchor);
    /// Runs the recording when the flush policy asks for it: an error of the program comes from here.
    ~Recording() noexcept(false);
    Recording(const Recording&) = delete;
    Graph& graph() { return *graph_; }

   private:
    friend struct HandleTraits<Tensor>;
    strata::Recording* recording_;
    Graph* graph_;
    bool is_outermost_;
  };
  static Value enter(Recording& recording, const Tensor& x);
  static Tensor leave(Recording& recording, Value x);
};

}  // namespace strata::ops

namespace strata {
using namespace ops;  // strata::tanh, strata::einsum, ...
}
