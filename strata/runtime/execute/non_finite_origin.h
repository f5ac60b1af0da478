// Where the first NaN or infinity of a run comes from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/runtime/execute/executable.h"

namespace strata::runtime {

struct NonFiniteOrigin {
  std::string program;   ///< the command's: the program, or a region of it
  std::string command;   ///< the kernel's name, or the op of a command of the host
  std::string op;        ///< within the kernel, with its position: "log at loss.cpp:12"
  int result = 0;        ///< of the command
  int64_t element = 0;   ///< of the result, the first
  double value = 0;      ///< NaN or infinite
  bool came_in = false;  ///< with the arguments: no op made such a value, and this is the first that passed one on
};

enum class NonFinite { NanOrInfinity, Nan };

/// Runs the program with a look at what each command wrote, and gives the first op that made such a value out of
/// operands without one; else the first that has one in its result; nothing if none has. Slow; the arguments stay as
/// they are. Throws what runs throw, but E0318.
std::optional<NonFiniteOrigin> non_finite_origin(const Executable& program, const std::vector<ir::HostArray>& arguments,
                                                 NonFinite kind = NonFinite::NanOrInfinity);

}  // namespace strata::runtime
