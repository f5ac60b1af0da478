// Writes safetensors files as the official library lays them out: tensors by descending element size, then by name, so
// that each lies at a multiple of its element size; the data begin at a multiple of 8. The same tensors give the same
// bytes in whatever order they come.
#pragma once

#include <map>
#include <span>
#include <string>

#include "strata/formats/format.h"

namespace strata::formats {

/// Replaces the file at `path` in one step: a crash or a full disk leaves the old one. The arrays' bytes go to the file
/// as they are, without a copy of the whole. Throws E0631 (a name twice, or one that can't be written), E0002.
///
///   save_safetensors("mlp.safetensors", arrays, {{"format", "pt"}});
void save_safetensors(const std::string& path, std::span<const NamedArray> arrays,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace strata::formats
