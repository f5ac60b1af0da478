// The identity of this build, for cache keys and program files: whatever its sources, a rebuilt compiler never runs
// code of an older one. The alternative, version numbers raised by hand, was forgotten more than once.
#pragma once

#include <string_view>

namespace strata::runtime {

/// SHA-256, in hex, of the sources of ir/, ops/ and compiler/ and of what compiled code sees of runtime/. The build
/// writes the definition (cmake/hash_sources.cmake).
std::string_view sources_hash();

}  // namespace strata::runtime
