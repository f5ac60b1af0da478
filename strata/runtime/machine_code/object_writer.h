// Writes an ELF relocatable file for x86-64 that any linker takes: the code of objects that our back end wrote, and
// data.
//
//   | header | section | section | ... | symbols | names | relocations | section headers |
//
// Code and constants of an object keep their sections; its functions become local symbols, so that two programs in one
// binary can't meet. What it calls stays undefined, for the linker to find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strata/runtime/machine_code/object_code.h"

namespace strata::runtime {

class ObjectWriter {
 public:
  /// A place in the file that others refer to.
  struct Symbol {
    uint32_t section = 0;
    uint64_t offset = 0;
  };
  /// An address that the linker or the loader writes into data: 8 bytes at `offset`.
  struct Address {
    uint64_t offset = 0;
    Symbol to;
  };

  ObjectWriter();
  ~ObjectWriter();
  ObjectWriter(const ObjectWriter&) = delete;

  /// Takes in the sections of an object that ObjectCode has accepted, and gives its number.
  uint32_t add_object(const ObjectCode& object);
  /// The function `name` of such an object; E0312 if it has none.
  Symbol function(uint32_t object, const std::string& name) const;
  /// Data in a section of its own, `alignment` a power of two; with addresses it can be written by the loader alone.
  Symbol add_data(std::string bytes, uint64_t alignment, std::vector<Address> addresses = {});
  /// Makes the place known to other objects under this name, as an object of so many bytes.
  void publish(const std::string& name, Symbol place, uint64_t bytes);

  std::string bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::runtime
