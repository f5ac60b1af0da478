// The files that a command writes, against those that it reads.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata::cli {

/// A file of a command line, and the option that named it.
struct NamedFile {
  std::string_view option;  ///< "--html", or "FILE" for a word in its place
  std::string path;         ///< empty: it wasn't given
};

/// Before anything is written: E0710 when an output is the same file as an input or as another output, also by a link
/// or by another way to write its path. Devices and pipes may be named as often as one likes.
void refuse_overwriting(std::span<const NamedFile> outputs, std::span<const NamedFile> inputs);

/// All of the paths as files of one option.
std::vector<NamedFile> files_of(std::string_view option, std::span<const std::string> paths);

}  // namespace strata::cli
