// Tensor: what users compute with. A handle to an array in memory, or to a value of the program being recorded.
//
//   Tensor x = Tensor::from({1.f, 2.f, 3.f});
//   Tensor y = exp(x) * 2;                     // recorded, not run (lazy)
//   print("{}", y);                            // looked at: compiled and run (print.h)
//   Tensor last = y[-1], pair = y[Slice{0, 2}], points = m[{kEllipsis, ids}];     // subscripts as in NumPy
//   y.at(0) = 5;                               // y is another value from here on; copies of the old y are not
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
#include "strata/ops/index/subscript.h"
#include "strata/ops/operands/handle.h"
#include "strata/ops/operands/operators.h"
#include "strata/tensor/tensor_dim.h"

namespace strata {

using ir::Dim;
using ir::DType;
using ir::dtype_of;
using ir::HostArray;
using ir::Shape;
using ops::Source;

// Names that no user writes stand in namespaces of their own, so that `using namespace strata` leaves them free.
namespace recording_detail {
struct Cell;  // shared state of the handles of one value, recording.h
class Recording;
}  // namespace recording_detail

/// The line of the outermost LineScope of this thread; `at` outside of one.
Source user_line(Source at);

class Tensor : public ops::Operators<Tensor> {
  using Cell = recording_detail::Cell;

 public:
  class Place;
  Tensor() = default;
  Tensor(const Tensor& other) noexcept;
  Tensor(Tensor&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~Tensor();

  explicit Tensor(HostArray array);
  /// A copy of elements in the dtype of T: f32 for floats, f64 for doubles; shape [n].
  template <class T>
  static Tensor from(std::initializer_list<T> elements, Source at = Source::here());
  /// Row-major; as many elements as the shape has (E0137).
  template <class T>
  static Tensor from(std::span<const T> elements, std::vector<int64_t> shape, Source at = Source::here());
  static Tensor scalar(ops::Literal value, DType dtype = DType::f32, Source at = Source::here());  ///< E0135
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Source at = Source::here());
  static Tensor ones(const Shape& shape, DType dtype = DType::f32, Source at = Source::here());
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32, Source at = Source::here());
  /// 0, 1, ... below `count`. An integer dtype holds them all, here and below (E0140); floats round.
  static Tensor arange(int64_t count, DType dtype = DType::i64, Source at = Source::here());
  /// first, first + step, ... before `limit`.
  static Tensor arange(int64_t first, int64_t limit, int64_t step = 1, DType dtype = DType::i64,
                       Source at = Source::here());
  /// `count` evenly spaced numbers from `first` to `last`, both included.
  static Tensor linspace(double first, double last, int64_t count, DType dtype = DType::f32,
                         Source at = Source::here());
  static Tensor eye(Dim rows, DType dtype = DType::f32, Source at = Source::here());
  /// Memory of the caller, not copied; `owner` keeps it alive. Aligned to the element at least (E0137). A program that
  /// the tensor is donated to may overwrite it, unless a copy of the tensor is kept.
  static Tensor wrap(void* data, DType dtype, std::vector<int64_t> shape, std::shared_ptr<void> owner,
                     Source at = Source::here());

  bool defined() const { return cell_ != nullptr; }
  DType dtype(Source at = Source::here()) const { return type(at).dtype(); }
  TensorShape shape(Source at = Source::here()) const;
  /// Axes count from -1 at the end, too (E0115).
  TensorDim dim(int axis, Source at = Source::here()) const;
  /// Extent of an axis as a number. Inside jit, where it may be symbolic, asking makes the program that of calls with
  /// this size.
  int64_t size(int axis, Source at = Source::here()) const;
  int rank(Source at = Source::here()) const { return type(at).rank(); }
  ir::Type type(Source at = Source::here()) const;

  /// The elements: evaluates what is pending. E0501 inside jit, where there are none yet.
  const HostArray& array(Source at = Source::here()) const;
  const Tensor& evaluate(Source at = Source::here()) const { return array(at), *this; }
  /// The only element, converted.
  double item(Source at = Source::here()) const;
  /// T is the host type of the dtype: nothing is converted (E0137).
  template <class T>
  std::span<const T> data(Source at = Source::here()) const {
    return ops::noting_line(user_line(at), [&] { return array(at).as<T>(); });
  }
  std::string str(Source at = Source::here()) const;  ///< as NumPy prints it; inside jit its type

  /// x[1], x[Slice{0, 5}], x[ids], x[{kAll, -1}]: ops/index/subscript.h. A value, as everything; at() writes.
  Tensor operator[](const ops::Subscript<Tensor>& subscript) const { return (*this)[{subscript}]; }
  Tensor operator[](std::initializer_list<ops::Subscript<Tensor>> subscripts) const;
  /// A place to write: x.at({0, kAll}) = v rebinds x; y = x.at(i).set(v) leaves x as it is.
  Place at(const ops::Subscript<Tensor>& subscript) &;
  Place at(std::initializer_list<ops::Subscript<Tensor>> subscripts) &;
  const Place at(const ops::Subscript<Tensor>& subscript) const&;
  const Place at(std::initializer_list<ops::Subscript<Tensor>> subscripts) const&;

  Cell* cell() const { return cell_; }
  /// Takes over one reference.
  explicit Tensor(Cell* cell) : cell_(cell) {}

 private:
  Cell* cell_ = nullptr;
};

template <class T>
Tensor Tensor::from(std::initializer_list<T> elements, Source at) {
  return from(std::span<const T>(elements.begin(), elements.size()), {std::ssize(elements)}, at);
}
template <class T>
Tensor Tensor::from(std::span<const T> elements, std::vector<int64_t> shape, Source at) {
  return ops::noting_line(user_line(at),
                          [&] { return Tensor(HostArray::of<T>(dtype_of<T>(), std::move(shape), elements)); });
}

/// What is recorded while it lives stands at this line: for a function whose ops are details that its caller, whose
/// line it is, doesn't know. The outermost scope of a thread counts.
class LineScope {
 public:
  explicit LineScope(Source at);
  ~LineScope();
  LineScope(const LineScope&) = delete;

 private:
  Source before_;
};

/// What x.at(...) gives. The value written broadcasts to the shape of x[...]. A position that an index tensor names
/// twice takes part twice in add and its like; of two values set, the last one stays.
class Tensor::Place {
 public:
  using Written = ops::Operand<Tensor>;
  Tensor set(const Written& value) const;
  Tensor add(const Written& value) const;
  Tensor multiply(const Written& value) const;
  Tensor min(const Written& value) const;
  Tensor max(const Written& value) const;

  /// The same place, where the write must not copy x: an error (E0330) names what keeps the old x alive. For states
  /// that a jitted step rebinds: cache.at({pos, kAll}).in_place() = row. A copy of x that somebody holds when the step
  /// is called is such a thing.
  Place in_place() && { return {x_, target_, subscripts_, ops::InPlace::Required}; }
  const Place in_place() const&& { return {x_, nullptr, subscripts_, ops::InPlace::Required}; }

  /// These rebind the variable that at() was called on; a const one has a const place, on which they don't compile.
  void operator=(const Written& value) && { rebind(set(value)); }
  void operator+=(const Written& value) && { rebind(add(value)); }
  void operator-=(const Written& value) &&;
  void operator*=(const Written& value) && { rebind(multiply(value)); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  friend class Tensor;
  Place(const Tensor& x, Tensor* target, std::vector<ops::Subscript<Tensor>> subscripts,
        ops::InPlace in_place = ops::InPlace::WherePossible)
      : x_(x), target_(target), subscripts_(std::move(subscripts)), in_place_(in_place) {}
  Tensor tensor_of(const Written& value) const;
  Tensor combine(const Written& value, ops::Combine how) const;
  void rebind(Tensor value) { *target_ = std::move(value); }

  Tensor x_;
  Tensor* target_;  ///< null: of a const tensor
  std::vector<ops::Subscript<Tensor>> subscripts_;
  ops::InPlace in_place_;
};

/// When recorded ops run.
enum class FlushPolicy : uint8_t {
  Lazy,  ///< when a value is looked at, or past a limit of ops
  Sync,  ///< each op at once: for debugging
};
/// Of this thread.
void set_flush_policy(FlushPolicy policy);
FlushPolicy flush_policy();

/// Sets this thread's policy for a scope.
class FlushScope {
 public:
  explicit FlushScope(FlushPolicy policy) : before_(flush_policy()) { set_flush_policy(policy); }
  ~FlushScope() { set_flush_policy(before_); }
  FlushScope(const FlushScope&) = delete;

 private:
  FlushPolicy before_;
};

/// Threads that programs run on, the caller's included; 0 means as many as this process may run on. Results don't
/// depend on it. Not to be called while a program runs.
void set_thread_count(int threads);
int thread_count();

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
    recording_detail::Recording* recording_;
    Graph* graph_;
    Source at_;  ///< of the outermost one
    bool is_outermost_;
  };
  static Value enter(Recording& recording, const Tensor& x);
  static Tensor leave(Recording& recording, Value x);
};

}  // namespace strata::ops
