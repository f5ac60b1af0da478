#include "strata/tensor/tensor.h"

#include <algorithm>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/operands/number_range.h"
#include "strata/ops/shape/arrange.h"
#include "strata/runtime/execute/prepared.h"
#include "strata/tensor/recording/dim_guards.h"
#include "strata/tensor/recording/recording.h"

namespace strata {

using namespace recording_detail;

Tensor::Tensor(const Tensor& other) noexcept : cell_(other.cell_) {
  if (cell_) cell_->references.fetch_add(1, std::memory_order_relaxed);
}
Tensor::~Tensor() { release(cell_); }

Tensor::Tensor(HostArray array) : cell_(new Cell) { cell_->array = std::move(array); }

Tensor Tensor::scalar(ops::Literal value, DType dtype, Source at) {
  return noting_line(user_line(at), [&] { return Tensor(ops::literal_array(value, dtype)); });
}

Tensor Tensor::wrap(void* data, DType dtype, std::vector<int64_t> shape, std::shared_ptr<void> owner, Source at) {
  return noting_line(user_line(at), [&] {
    const HostArray sized(dtype, shape, nullptr);
    if (sized.elements() == 0) return Tensor(HostArray(dtype, shape));
    if (!data)
      throw base::Error(base::code::kArrayElements,
                        "wrap: the memory of " + std::string(dtype_name(dtype)) + "s" + " is a null pointer");
    if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(ir::dtype_bytes(dtype)) != 0)
      throw base::Error(base::code::kArrayElements,
                        "wrap: the memory is not aligned to elements of " + std::string(dtype_name(dtype)));
    return Tensor(HostArray(dtype, shape, std::shared_ptr<std::byte>(std::move(owner), static_cast<std::byte*>(data))));
  });
}

namespace {

/// A value that has no operands, recorded in the thread's innermost recording.
template <class F>
Tensor made(Source at, F&& f) {
  ops::HandleTraits<Tensor>::Recording recording(at, nullptr);
  return noting_line_of(recording, [&] { return ops::HandleTraits<Tensor>::leave(recording, f(recording.graph())); });
}

}  // namespace

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Source at) {
  return made(at, [&](ir::Graph& graph) { return ops::full(graph, ir::Type::of(dtype, shape), value); });
}
Tensor Tensor::zeros(const Shape& shape, DType dtype, Source at) { return full(shape, 0, dtype, at); }
Tensor Tensor::ones(const Shape& shape, DType dtype, Source at) { return full(shape, 1, dtype, at); }
Tensor Tensor::arange(int64_t count, DType dtype, Source at) {
  return made(at, [&](ir::Graph& graph) {
    if (count > 0) ops::require_no_wrap("arange", 0, count - 1, dtype);
    return ops::iota(graph, ir::Type::of(dtype, {Dim(count)}), 0);
  });
}

Tensor Tensor::arange(int64_t first, int64_t limit, int64_t step, DType dtype, Source at) {
  if (step == 0)
    noting_line(user_line(at), [] { throw base::Error(base::code::kAttributeValue, "arange: the step is 0"); });
  const LineScope scope(at);
  const __int128 count = (static_cast<__int128>(limit) - first + step + (step > 0 ? -1 : 1)) / step;
  if (count > INT64_MAX / 2)
    noting_line(user_line(at),
                [] { throw base::Error(base::code::kMalformedDim, "arange: the count leaves 62 bits"); });
  if (count > 0)
    noting_line(user_line(at), [&] {
      const int64_t last = first + (static_cast<int64_t>(count) - 1) * step;
      ops::require_no_wrap("arange", std::min(first, last), std::max(first, last), dtype);
    });
  return cast(arange(std::max<int64_t>(0, static_cast<int64_t>(count)), DType::i64, at) * step + first, dtype, at);
}
Tensor Tensor::linspace(double first, double last, int64_t count, DType dtype, Source at) {
  return made(at, [&](ir::Graph& graph) { return ops::linspace(graph, first, last, count, dtype); });
}
Tensor Tensor::eye(Dim rows, DType dtype, Source at) {
  return made(at, [&](ir::Graph& graph) { return ops::eye(graph, rows, rows, dtype); });
}

Tensor Tensor::operator[](std::initializer_list<ops::Subscript<Tensor>> subscripts) const {
  return ops::subscript(*this, std::vector(subscripts));
}
Tensor::Place Tensor::at(const ops::Subscript<Tensor>& subscript) & { return {*this, this, {subscript}}; }
Tensor::Place Tensor::at(std::initializer_list<ops::Subscript<Tensor>> subscripts) & {
  return {*this, this, subscripts};
}
const Tensor::Place Tensor::at(const ops::Subscript<Tensor>& subscript) const& { return {*this, nullptr, {subscript}}; }
const Tensor::Place Tensor::at(std::initializer_list<ops::Subscript<Tensor>> subscripts) const& {
  return {*this, nullptr, subscripts};
}

Tensor Tensor::Place::tensor_of(const Written& value) const {
  if (value.handle) return *value.handle;
  return made(value.at, [&](ir::Graph& graph) { return ops::scalar(graph, x_.dtype(), value.literal); });
}
Tensor Tensor::Place::combine(const Written& value, ops::Combine how) const {
  return ops::update_subscript(x_, subscripts_, tensor_of(value), how, in_place_);
}
Tensor Tensor::Place::set(const Written& value) const { return combine(value, ops::Combine::Set); }
Tensor Tensor::Place::add(const Written& value) const { return combine(value, ops::Combine::Add); }
Tensor Tensor::Place::multiply(const Written& value) const { return combine(value, ops::Combine::Mul); }
Tensor Tensor::Place::min(const Written& value) const { return combine(value, ops::Combine::Min); }
Tensor Tensor::Place::max(const Written& value) const { return combine(value, ops::Combine::Max); }
void Tensor::Place::operator-=(const Written& value) && { rebind(add(neg(tensor_of(value), value.at))); }
void set_thread_count(int threads) { base::ThreadPool::shared().set_thread_count(threads); }
int thread_count() { return base::ThreadPool::shared().thread_count(); }

namespace {

ir::Location location_of(Source at) {
  at = user_line(at);
  return {at.file, at.line, nullptr};
}
std::string line_of(Source at) { return location_of(at).str(); }

[[noreturn]] void refuse_undefined(const char* what, Source at) {
  base::Error error(base::code::kUndefinedTensor,
                    std::string(what) + " of a tensor is asked for that was never given a value");
  ops::note_line(error, location_of(at), "looked at in");
  throw error.hint("default-constructed tensors are empty: assign one first");
}

[[noreturn]] void refuse_without_value(const recording_detail::Cell& cell, const char* what, Source at) {
  try {
    recording_detail::refuse_ended(cell, what);
  } catch (base::Error& error) {
    ops::note_line(error, location_of(at), "looked at in");
    throw;
  }
}

/// What a value of a recording is, for an error: the line, or that it came from outside.
std::string origin_of(const ir::Value& value) {
  if (value.node->where.file) return "recorded at " + value.node->where.str();
  return value.node->is_parameter() ? "it is an argument of the program" : "";
}

}  // namespace

namespace {

ir::Type type_of(const HostArray& array) {
  Shape shape;
  for (int64_t d : array.shape()) shape.emplace_back(d);
  return ir::Type::of(array.encoding(), shape);
}

/// Whether it is a value outside of traces, whose shape shows when it is computed, and that can be done now.
bool has_counted_shape(const Cell& cell) {
  const Recording& recording = *cell.recording;
  if (recording.kind() != Recording::Kind::Lazy || recording.holds != 0 || recording.open_ops != 0) return false;
  return std::ranges::any_of(cell.value.shape(), [&](Dim d) { return cell.value.graph().facts().mentions_count(d); });
}

}  // namespace

ir::Type Tensor::type(Source at) const {
  if (!cell_) refuse_undefined("the type", at);
  if (cell_->recording && has_counted_shape(*cell_)) return type_of(array(at));
  if (cell_->recording) return cell_->value.type();
  if (!cell_->is_concrete()) refuse_without_value(*cell_, "used", at);
  return type_of(cell_->array);
}

TensorShape Tensor::shape(Source at) const {
  const ir::Type t = type(at);
  return {{t.shape().begin(), t.shape().end()}, at};
}

TensorDim Tensor::dim(int axis, Source at) const {
  const ir::Type t = type(at);
  if (axis >= -t.rank() && axis < t.rank()) return {t.dim(axis), at};
  throw base::Error(base::code::kAxis, "dim: axis " + std::to_string(axis) + " of " + t.str() + ", which has rank " +
                                           std::to_string(t.rank()))
      .note("looked at in " + line_of(at));
}

int64_t Tensor::size(int axis, Source at) const {
  const Dim d = dim(axis, at);
  if (d.is_constant()) return d.constant();
  // A derivative is under way outside of traces: only what was counted has no number yet.
  if (cell_->recording && cell_->recording->kind() == Recording::Kind::Lazy &&
      cell_->value.graph().facts().mentions_count(d))
    return array(at).shape()[axis < 0 ? axis + type().rank() : axis];
  try {
    if (const std::optional<int64_t> size = DimGuards::ask(d, at)) return *size;
  } catch (base::Error& error) {
    ops::note_line(error, location_of(at), "looked at in");
    throw;
  }
  throw base::Error(base::code::kUnknownSize, "the size of axis " + std::to_string(axis) + " of " + type().str() +
                                                  " is not known while the program is recorded")
      .note("looked at in " + line_of(at))
      .hint("use dim(axis), which may be symbolic, or make the dimension static in the jit options");
}

namespace {

[[noreturn]] void refuse_handed_over(const Tensor& tensor, Source at) {
  base::Error error(
      base::code::kHandedOver,
      "the elements of a tensor are looked at that was handed over to the forms that programs prepared: " +
          tensor.type(at).str());
  error.note("looked at in " + line_of(at));
  throw error.hint("load the weights again, or don't hand them over");
}

}  // namespace

const HostArray& Tensor::array(Source at) const {
  if (!cell_) refuse_undefined("the elements", at);
  if (cell_->is_concrete()) {
    if (runtime::is_handed_over(cell_->array)) refuse_handed_over(*this, at);
    return cell_->array;
  }
  if (cell_->recording && cell_->recording->kind() == Recording::Kind::Lazy) {
    try {
      if (cell_->recording->holds > 0)
        cell_->recording->peek(cell_);
      else
        cell_->recording->flush(capture::Reason::Look, user_line(at));
    } catch (base::Error& error) {
      ops::note_line(error, location_of(at), "looked at in");
      throw;
    }
    return cell_->array;
  }
  if (!cell_->recording) refuse_without_value(*cell_, "looked at", at);
  capture::note_refusal("a value is looked at while the program is recorded", user_line(at));
  base::Error error(
      base::code::kValueWhileRecording,
      "the elements of a tensor are looked at while the program is recorded, where it has none yet: " + type().str());
  error.note("looked at in " + line_of(at));
  if (const std::string origin = origin_of(cell_->value); !origin.empty()) error.note(origin);
  throw error.hint("return the tensor from the function, or use print() and check(), which run with the program");
}

double Tensor::item(Source at) const {
  const HostArray& a = array(at);
  if (a.elements() == 1) return a.get(0);
  throw base::Error(base::code::kNotOneElement, "item() takes a tensor of one element, found " + type().str())
      .note("looked at in " + line_of(at));
}

std::string Tensor::str(Source at) const {
  if (!cell_) return "none";
  if (cell_->recording && cell_->recording->kind() == Recording::Kind::Trace) return cell_->value.type().str();
  return array(at).str();
}

}  // namespace strata
