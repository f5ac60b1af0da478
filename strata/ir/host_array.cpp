#include "strata/ir/host_array.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/encoding/block_format.h"
#include "strata/ir/type.h"

namespace strata::ir {
namespace {

constexpr size_t kAlignment = 64;  // a cache line, and the widest vector

int64_t count_elements(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (int64_t d : shape) {
    if (d < 0)
      throw base::Error(base::code::kOperandShapes,
                        "array: a dimension is " + std::to_string(d) + ", expected 0 or more");
    if (__builtin_mul_overflow(n, d, &n))
      throw base::Error(base::code::kOutOfMemory, "array: the number of elements does not fit 64 bits");
  }
  return n;
}

int64_t count_bytes(Encoding encoding, const std::vector<int64_t>& shape, int64_t elements) {
  if (!encoding.is_plain()) return stored_bytes(*encoding.format(), shape);
  int64_t size;
  if (__builtin_mul_overflow(elements, dtype_bytes(encoding.dtype()), &size) ||
      size > std::numeric_limits<int64_t>::max() - 64)
    throw base::Error(base::code::kOutOfMemory, "array: the size in bytes does not fit 64 bits");
  return size;
}

/// Double to integer as `cast` does it: truncates, saturates, NaN gives 0.
template <class T>
T saturate(double value) {
  if (std::isnan(value)) return 0;
  if (value <= static_cast<double>(std::numeric_limits<T>::lowest())) return std::numeric_limits<T>::lowest();
  if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

template <class T>
T from_double(double value) {
  if constexpr (std::is_same_v<T, bool>)
    return value != 0.0;
  else if constexpr (std::is_integral_v<T>)
    return saturate<T>(value);
  else
    return T(value);
}

template <class T>
T from_int(int64_t value) {
  if constexpr (std::is_same_v<T, bool>)
    return value != 0;
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(value);
  else if constexpr (std::is_same_v<T, float>)
    return static_cast<float>(value);
  else
    return T(static_cast<double>(value));
}

}  // namespace

HostArray::HostArray(Encoding encoding, std::vector<int64_t> shape)
    : encoding_(encoding),
      shape_(std::move(shape)),
      elements_(count_elements(shape_)),
      bytes_(count_bytes(encoding, shape_, elements_)) {
  const size_t rounded = (static_cast<size_t>(bytes_) + kAlignment - 1) / kAlignment * kAlignment + kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (!memory) throw base::Error(base::code::kOutOfMemory, "array: no memory for " + std::to_string(bytes_) + " bytes");
  std::memset(memory, 0, rounded);
  storage_ = std::shared_ptr<std::byte>(static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); });
}

HostArray::HostArray(Encoding encoding, std::vector<int64_t> shape, std::shared_ptr<std::byte> storage)
    : encoding_(encoding),
      shape_(std::move(shape)),
      elements_(count_elements(shape_)),
      bytes_(count_bytes(encoding, shape_, elements_)),
      storage_(std::move(storage)) {}

HostArray HostArray::scalar(DType dtype, double value) {
  HostArray a(dtype, {});
  a.set(0, value);
  return a;
}

double HostArray::get(int64_t index) const {
  require_plain();
  return visit_dtype(dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    return static_cast<double>(reinterpret_cast<const T*>(data())[index]);
  });
}

int64_t HostArray::get_int(int64_t index) const {
  require_plain();
  return visit_dtype(dtype(), [&](auto tag) -> int64_t {
    using T = typename decltype(tag)::type;
    const T value = reinterpret_cast<const T*>(data())[index];
    if constexpr (std::is_integral_v<T>)
      return static_cast<int64_t>(value);
    else
      return saturate<int64_t>(static_cast<double>(value));
  });
}

void HostArray::set(int64_t index, double value) {
  require_plain();
  visit_dtype(dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    reinterpret_cast<T*>(data())[index] = from_double<T>(value);
  });
}

void HostArray::set_int(int64_t index, int64_t value) {
  require_plain();
  visit_dtype(dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    reinterpret_cast<T*>(data())[index] = from_int<T>(value);
  });
}

void HostArray::refuse_type(DType found, const char* what) const {
  throw base::Error(base::code::kArrayElements, "array: elements of " + std::string(encoding_.name()) + " are " + what +
                                                    " " + std::string(dtype_name(found)))
      .hint(is_encoded() ? "decode gives the elements" : "cast converts the elements");
}
void HostArray::refuse_encoded() const {
  throw base::Error(base::code::kArrayElements,
                    "array: elements of " + std::string(encoding_.name()) + " are blocks of bytes")
      .hint("decode gives the elements");
}
void HostArray::refuse_count(size_t found) const {
  std::string shape;
  for (int64_t d : shape_) shape += (shape.empty() ? "" : ",") + std::to_string(d);
  throw base::Error(base::code::kArrayElements, "array: the shape [" + shape + "] has " + std::to_string(elements_) +
                                                    " elements, found " + std::to_string(found));
}

HostArray HostArray::reshaped(std::vector<int64_t> shape) const {
  HostArray a(encoding_, std::move(shape), storage_);
  if (a.elements_ != elements_)
    throw base::Error(base::code::kOperandShapes, "reshape: " + std::to_string(elements_) +
                                                      " elements do not fill the new shape, which has " +
                                                      std::to_string(a.elements_));
  return a;
}

HostArray HostArray::clone() const {
  HostArray a(encoding_, shape_);
  std::memcpy(a.data(), data(), bytes());
  return a;
}

HostArray HostArray::stored() const {
  if (!is_encoded()) return *this;
  const std::vector<Dim> dims(shape_.begin(), shape_.end());
  std::vector<int64_t> shape;
  for (Dim d : stored_shape(*encoding_.format(), dims)) shape.push_back(d.constant());
  return HostArray(DType::u8, std::move(shape), storage_);
}

HostArray HostArray::decoded() const {
  if (!is_encoded()) return *this;
  const BlockFormat& format = *encoding_.format();
  HostArray values(format.value, shape_);
  const int64_t size = dtype_bytes(format.value);
  std::vector<std::byte> block(format.elements * size);
  const BlockReader reader(format);
  for (int64_t first = 0, b = 0; first < elements_; first += format.elements, ++b) {
    reader(data() + b * format.bytes, block.data());
    const int64_t count = std::min(format.elements, elements_ - first);
    std::memcpy(values.data() + first * size, block.data(), count * size);
  }
  return values;
}

bool HostArray::same_bits(const HostArray& other) const {
  return encoding_ == other.encoding_ && shape_ == other.shape_ && std::memcmp(data(), other.data(), bytes()) == 0;
}

}  // namespace strata::ir
