#include "strata/cli/output_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;

/// What is no regular file can't be replaced: /dev/null swallows any number of outputs.
bool is_replaceable(const std::string& path) {
  std::error_code fault;
  const fs::file_status status = fs::status(path, fault);
  return !path.empty() && path != "-" && (!fs::exists(status) || fs::is_regular_file(status));
}

bool is_same_file(const std::string& a, const std::string& b) {
  if (!is_replaceable(a) || !is_replaceable(b)) return false;
  std::error_code fault;
  if (fs::equivalent(a, b, fault)) return true;  // also by hard links
  const fs::path one = fs::weakly_canonical(fs::absolute(a, fault), fault);
  const fs::path other = fs::weakly_canonical(fs::absolute(b, fault), fault);
  return !one.empty() && one == other;
}

void require_other(const NamedFile& output, const NamedFile& file) {
  if (!is_same_file(output.path, file.path)) return;
  throw base::Error(base::code::kCommandLine,
                    fmt::format("{} would overwrite {}: both name the file {}", output.option, file.option, file.path))
      .hint("name another file; nothing was written");
}

}  // namespace

void refuse_overwriting(std::span<const NamedFile> outputs, std::span<const NamedFile> inputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    for (const NamedFile& input : inputs) require_other(outputs[i], input);
    for (const NamedFile& earlier : outputs.first(i)) require_other(outputs[i], earlier);
  }
}

std::vector<NamedFile> files_of(std::string_view option, std::span<const std::string> paths) {
  std::vector<NamedFile> files;
  for (const std::string& path : paths) files.push_back({option, path});
  return files;
}

}  // namespace strata::cli
