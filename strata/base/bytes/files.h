// Whole files and folders. Reading returns Result (a missing file is normal traffic); making folders throws E0002.
// Paths are std::string so that headers stay cheap; std::filesystem::path converts by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "strata/base/error/error.h"

namespace strata::base {

/// The whole file as text. Errors: E0001. Works on files without a size too (/proc).
Result<std::string> read_text(const std::string& path);

/// The whole file as bytes. Errors: E0001. For large files that are looked at in parts use MappedFile.
Result<std::vector<std::byte>> read_bytes(const std::string& path);

/// Size in bytes, E0001 when there is no such file.
Result<uint64_t> file_bytes(const std::string& path);

bool is_file(const std::string& path);
bool is_folder(const std::string& path);

/// Makes the folder and those above it; fine when it is there. Throws E0002.
void make_folders(const std::string& path);

/// Names (not paths) of what is in the folder, sorted. Errors: E0001.
Result<std::vector<std::string>> list_folder(const std::string& path);

/// What errno says, as in "no space left on device": lower case, to stand in a message.
std::string errno_text(int code);

}  // namespace strata::base
