// A compiled program as an object file and a C header, for programs that link it (embed.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "strata/ir/host_array.h"
#include "strata/runtime/execute/executable.h"

namespace strata::embed {

/// Elements of a parameter that come into the object.
struct EmbeddedWeight {
  std::string parameter;
  ir::HostArray array;
};

struct ObjectOptions {
  std::string name;  ///< what C calls the program: letters, digits and underscores; E0325 for others
  std::vector<EmbeddedWeight> weights;
};

/// The bytes of the object. E0325 for a program without machine code of this machine, for a weight that is no
/// parameter, has another type, or a symbolic one, and for a result whose size only a run tells.
std::string object_of(const runtime::Executable& program, const ObjectOptions& options);

/// The header, for C99 and C++.
std::string header_of(const runtime::Executable& program, const ObjectOptions& options);

/// A name that C takes, made of any text: "mlp-2" becomes "mlp_2".
std::string c_name(const std::string& text);

}  // namespace strata::embed
