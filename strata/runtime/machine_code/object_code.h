// Machine code of one object file, linked into this process.
//
// What is read is an ELF relocatable file for x86-64 as our back end writes it: code and constants, no data that can be
// written, calls of host functions (host_functions.h) and references within the file. Anything else is refused, and so
// is every offset that leaves the bytes: objects come from cache and program files.
//
//   one mapping, readable and executable, never writable once it can run:
//   | section | pad | section | ... | stub per host function: jmp *[rip]; address |
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "strata/runtime/kernel_abi.h"

namespace strata::runtime {

/// The symbols of a kernel in its object.
std::string run_symbol(std::string_view kernel_name);
std::string needs_symbol(std::string_view kernel_name);

class ObjectCode {
 public:
  /// E0312 with the reason for bytes that are no such object, E0112 without memory.
  static std::shared_ptr<const ObjectCode> load(std::vector<std::byte> object);
  ~ObjectCode();
  ObjectCode(const ObjectCode&) = delete;

  /// E0312 when the object has no kernel of that name.
  LoadedKernel find(std::string_view kernel_name) const;
  /// As they were given: for files that hold the code.
  std::span<const std::byte> object() const { return object_; }

 private:
  friend class ObjectLinker;
  ObjectCode() = default;
  const void* address_of(const std::string& symbol) const;

  std::vector<std::byte> object_;
  std::byte* memory_ = nullptr;
  size_t bytes_ = 0;
  std::unordered_map<std::string, const void*> functions_;
};

}  // namespace strata::runtime
