#include "strata/base/bytes/temp_folder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/error.h"

namespace strata::base {

TempFolder::TempFolder(std::string_view name) {
  const char* root = ::getenv("TMPDIR");
  path_ = fmt::format("{}/strata-{}-XXXXXX", root != nullptr && *root != '\0' ? root : "/tmp", name);
  if (::mkdtemp(path_.data()) == nullptr)
    throw Error(code::kUnwritableFile, fmt::format("cannot make folder {}: {}", path_, errno_text(errno)));
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace strata::base
