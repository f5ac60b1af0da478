// A format of files that hold named tensors, and the files of all formats by their suffix.
//
//   formats::save_tensors("w.safetensors", arrays);
//   const std::vector<NamedArray> arrays = formats::load_tensors("w.safetensors").value();
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/ir/host_array.h"

namespace strata::formats {

struct NamedArray {
  std::string name;
  ir::HostArray array;
};

/// Texts beside the tensors; a format that has no place for them leaves them out.
using Metadata = std::map<std::string, std::string>;

struct Format {
  std::string_view name;
  std::string_view suffix;  ///< of its files: ".safetensors"
  /// Replaces the file in one step. Refuses what the format can't hold (E0631); E0002.
  void (*save)(const std::string& path, std::span<const NamedArray> arrays, const Metadata& metadata);
  /// The bytes are untrusted. E0001 and the format's own errors.
  base::Result<std::vector<NamedArray>> (*load)(const std::string& path);
};

std::span<const Format* const> formats();

/// The format of a path's suffix; the first of the list for a path that has none of theirs.
const Format& format_of(std::string_view path);

/// The same for a file that is to be written: E0631 for a suffix that no format has.
const Format& format_to_write(std::string_view path);

inline void save_tensors(const std::string& path, std::span<const NamedArray> arrays, const Metadata& metadata = {}) {
  format_to_write(path).save(path, arrays, metadata);
}
inline base::Result<std::vector<NamedArray>> load_tensors(const std::string& path) {
  return format_of(path).load(path);
}

}  // namespace strata::formats
