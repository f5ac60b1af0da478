#include "strata/compiler/cache/entry_files.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/files.h"
#include "strata/base/trace/log.h"
#include "strata/runtime/machine_code/sources_hash.h"

namespace strata::compiler {
namespace {

/// Where the content begins, if the header and the hash are right.
std::optional<size_t> content_of(std::span<const std::byte> file, const std::string& path, std::string_view magic,
                                 base::Hash128 key) {
  base::ByteReader reader(file, path);
  if (!reader.expect(magic, "magic")) return std::nullopt;
  uint64_t fields[4];
  for (uint64_t& field : fields) {
    auto value = reader.little<uint64_t>("header");
    if (!value) return std::nullopt;
    field = *value;
  }
  const auto [key_lo, key_hi, hash_lo, hash_hi] = fields;
  const bool is_right = base::Hash128{key_lo, key_hi} == key &&
                        base::hash_bytes(file.subspan(reader.position())) == base::Hash128{hash_lo, hash_hi};
  return is_right ? std::optional(reader.position()) : std::nullopt;
}

}  // namespace

std::string EntryFiles::build_folder() const {
  return folder_ + "/kernels/" + std::string(runtime::sources_hash().substr(0, 16));
}

void EntryFiles::forget_old_builds() const {
  namespace fs = std::filesystem;
  std::error_code ignored;  // another process may be removing the same folders
  std::vector<std::pair<fs::file_time_type, fs::path>> builds;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ + "/kernels", ignored))
    builds.emplace_back(entry.last_write_time(ignored), entry.path());
  std::sort(builds.rbegin(), builds.rend());
  for (size_t i = kBuildsInCache; i < builds.size(); ++i) fs::remove_all(builds[i].second, ignored);
}

void EntryFiles::tell_damaged(const std::string& path) {
  static std::atomic<bool> is_told = false;
  if (!is_told.exchange(true))
    base::log_warn("compile cache: {} is damaged or of another version; compiled again, as is whatever else is", path);
}

std::optional<EntryContent> EntryFiles::read(const std::string& path, base::Hash128 key) const {
  if (!has_folder() || !base::is_file(path)) return std::nullopt;
  auto file = base::read_bytes(path);
  if (!file) return std::nullopt;
  const auto begin = content_of(*file, path, magic_, key);
  if (begin) return EntryContent(std::move(*file), *begin);
  tell_damaged(path);
  return std::nullopt;
}

void EntryFiles::write(const std::string& path, base::Hash128 key, std::span<const std::byte> content) const {
  if (!has_folder()) return;
  const base::Hash128 hash = base::hash_bytes(content);
  base::ByteWriter header;
  header.text(magic_).little(key.lo).little(key.hi).little(hash.lo).little(hash.hi);
  try {
    if (const std::string own = build_folder(); !base::is_folder(own)) {
      base::make_folders(own);
      forget_old_builds();
    }
    base::make_folders(path.substr(0, path.rfind('/')));
    base::AtomicFile file(path);
    file.write(header.bytes());
    file.write(content);
    file.commit();
  } catch (const base::Error& error) {
    static std::atomic<bool> is_told = false;
    if (!is_told.exchange(true)) base::log_warn("compile cache: not written: {}", error.message());
  }
}

}  // namespace strata::compiler
