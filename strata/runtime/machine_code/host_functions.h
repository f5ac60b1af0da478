// The functions of the host that machine code may call: a few of libm, ours for huge angles, and the memory functions
// that a compiler may call by itself. Nothing else of the process can be reached.
#pragma once

#include <optional>
#include <string_view>

namespace strata::runtime {

/// The address of the function with this C name; nothing for any other.
std::optional<const void*> host_function(std::string_view name);

}  // namespace strata::runtime
