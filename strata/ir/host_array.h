// A dense row-major array in host memory with a concrete shape: literals of a program, inputs and outputs of the
// interpreter, and what a Tensor becomes when it is looked at. Copies share the storage; treat shared storage as
// immutable. An array of blocks has the shape of its elements and the bytes that its encoding stores.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strata/ir/encoding/encoding.h"

namespace strata::ir {

class HostArray {
 public:
  HostArray() = default;
  /// Zero-filled, 64-byte aligned storage. Throws an Environment error when memory is short.
  HostArray(Encoding encoding, std::vector<int64_t> shape);
  /// Memory that is there already, with room for the elements; not copied.
  HostArray(Encoding encoding, std::vector<int64_t> shape, std::shared_ptr<std::byte> storage);

  /// From elements of the matching host type, as many as the shape has (E0137).
  template <class T>
  static HostArray of(DType dtype, std::vector<int64_t> shape, std::span<const T> elements) {
    HostArray a(dtype, std::move(shape));
    if (dtype != dtype_of<T>()) a.refuse_type(dtype_of<T>(), "made from");
    if (std::ssize(elements) != a.elements_) a.refuse_count(elements.size());
    if (!elements.empty()) std::memcpy(a.data(), elements.data(), elements.size_bytes());
    return a;
  }
  static HostArray scalar(DType dtype, double value);

  Encoding encoding() const { return encoding_; }
  bool is_encoded() const { return !encoding_.is_plain(); }
  DType dtype() const { return encoding_.dtype(); }  ///< of what is stored
  const std::vector<int64_t>& shape() const { return shape_; }
  int rank() const { return shape_.size(); }
  int64_t elements() const { return elements_; }
  int64_t bytes() const { return bytes_; }
  std::byte* data() { return storage_.get(); }
  const std::byte* data() const { return storage_.get(); }
  const std::shared_ptr<std::byte>& storage() const { return storage_; }

  /// The elements as they are stored; T is the host type of the dtype (E0137).
  template <class T>
  std::span<T> as() {
    if (is_encoded() || dtype_of<T>() != dtype()) refuse_type(dtype_of<T>(), "read as");
    return std::span(reinterpret_cast<T*>(data()), elements_);
  }
  template <class T>
  std::span<const T> as() const {
    if (is_encoded() || dtype_of<T>() != dtype()) refuse_type(dtype_of<T>(), "read as");
    return std::span(reinterpret_cast<const T*>(data()), elements_);
  }

  /// One element as a double (integers beyond 2^53 lose bits: use get_int) or as an integer. Of a plain array.
  double get(int64_t index) const;
  int64_t get_int(int64_t index) const;  ///< u64 as its two's complement bits; floats truncated
  /// Stores with the conversion of `cast`: rounds once, saturates, NaN to integer gives 0.
  void set(int64_t index, double value);
  void set_int(int64_t index, int64_t value);  ///< wraps to the width

  HostArray reshaped(std::vector<int64_t> shape) const;  ///< same storage
  HostArray clone() const;
  /// The elements of an array of blocks as the decode function gives them; a plain array is itself.
  HostArray decoded() const;
  /// The same storage as bytes: u8 in the shape of Type::stored(); a plain array is itself.
  HostArray stored() const;
  bool same_bits(const HostArray& other) const;

  std::string str() const;  ///< printed as NumPy prints it

 private:
  void require_plain() const {
    if (is_encoded()) refuse_encoded();
  }
  [[noreturn]] void refuse_encoded() const;
  [[noreturn]] void refuse_type(DType found, const char* what) const;
  [[noreturn]] void refuse_count(size_t found) const;

  Encoding encoding_;
  std::vector<int64_t> shape_;
  int64_t elements_ = 0, bytes_ = 0;
  std::shared_ptr<std::byte> storage_;
};

}  // namespace strata::ir
