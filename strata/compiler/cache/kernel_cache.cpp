#include "strata/compiler/cache/kernel_cache.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <vector>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/files.h"
#include "strata/base/trace/log.h"
#include "strata/runtime/machine_code/sources_hash.h"

namespace strata::compiler {
namespace {

constexpr std::string_view kMagic = "SKC1";

std::optional<Object> parse(std::span<const std::byte> bytes, const std::string& path, base::Hash128 key) {
  base::ByteReader reader(bytes, path);
  if (!reader.expect(kMagic, "magic")) return std::nullopt;
  uint64_t fields[5];
  for (uint64_t& field : fields) {
    auto value = reader.little<uint64_t>("header");
    if (!value) return std::nullopt;
    field = *value;
  }
  if (fields[0] != key.lo || fields[1] != key.hi || fields[2] != reader.remaining()) return std::nullopt;
  auto object = reader.take(fields[2], "object");
  if (!object || base::hash_bytes(*object) != base::Hash128{fields[3], fields[4]}) return std::nullopt;
  return Object((*object).begin(), (*object).end());
}

std::string build_folder(const std::string& folder) {
  return folder + "/kernels/" + std::string(runtime::sources_hash().substr(0, 16));
}

}  // namespace

std::string KernelCache::path_of(base::Hash128 key) const {
  const std::string hex = key.hex();
  return build_folder(folder_) + "/" + hex.substr(0, 2) + "/" + hex.substr(2) + ".o";
}

void KernelCache::forget_old_builds() const {
  namespace fs = std::filesystem;
  std::error_code ignored;  // another process may be removing the same folders
  std::vector<std::pair<fs::file_time_type, fs::path>> builds;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ + "/kernels", ignored))
    builds.emplace_back(entry.last_write_time(ignored), entry.path());
  std::sort(builds.rbegin(), builds.rend());
  for (size_t i = kBuilds; i < builds.size(); ++i) fs::remove_all(builds[i].second, ignored);
}

std::optional<Object> KernelCache::read(base::Hash128 key) const {
  if (folder_.empty()) return std::nullopt;
  const std::string path = path_of(key);
  if (!base::is_file(path)) return std::nullopt;
  auto bytes = base::read_bytes(path);
  if (!bytes) return std::nullopt;
  auto object = parse(*bytes, path, key);
  static std::atomic<bool> is_told = false;  // a damaged cache is damaged in many places
  if (!object && !is_told.exchange(true))
    base::log_warn("compile cache: {} is damaged or of another version; compiled again, as is whatever else is", path);
  return object;
}

void KernelCache::write(base::Hash128 key, const Object& object) const {
  if (folder_.empty()) return;
  const base::Hash128 hash = base::hash_bytes(object);
  base::ByteWriter header;
  header.text(kMagic).little(key.lo).little(key.hi).little(uint64_t{object.size()}).little(hash.lo).little(hash.hi);
  const std::string path = path_of(key);
  try {
    if (const std::string own = build_folder(folder_); !base::is_folder(own)) {
      base::make_folders(own);
      forget_old_builds();
    }
    base::make_folders(path.substr(0, path.rfind('/')));
    base::AtomicFile file(path);
    file.write(header.bytes());
    file.write(std::span<const std::byte>(object));
    file.commit();
  } catch (const base::Error& error) {
    static std::atomic<bool> is_told = false;
    if (!is_told.exchange(true)) base::log_warn("compile cache: not written: {}", error.message());
  }
}

}  // namespace strata::compiler
