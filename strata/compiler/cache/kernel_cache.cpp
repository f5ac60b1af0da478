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

constexpr std::string_view kMagic = "SKC2";

base::Hash128 hash_of(std::span<const std::byte> as_written, std::span<const std::byte> misfit,
                      std::span<const std::byte> object) {
  return base::combine(base::combine(base::hash_bytes(as_written), base::hash_bytes(misfit)), base::hash_bytes(object));
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<CachedKernel> parse(std::span<const std::byte> bytes, const std::string& path, base::Hash128 key) {
  base::ByteReader reader(bytes, path);
  if (!reader.expect(kMagic, "magic")) return std::nullopt;
  uint64_t fields[7];
  for (uint64_t& field : fields) {
    auto value = reader.little<uint64_t>("header");
    if (!value) return std::nullopt;
    field = *value;
  }
  const auto [key_lo, key_hi, reason_bytes, misfit_bytes, object_bytes, hash_lo, hash_hi] = fields;
  if (key_lo != key.lo || key_hi != key.hi || reason_bytes > reader.remaining()) return std::nullopt;
  auto reason = reader.take(reason_bytes, "reason");
  if (!reason || misfit_bytes > reader.remaining()) return std::nullopt;
  auto misfit = reader.take(misfit_bytes, "misfit");
  if (!misfit || object_bytes != reader.remaining()) return std::nullopt;
  auto object = reader.take(object_bytes, "object");
  if (!object || hash_of(*reason, *misfit, *object) != base::Hash128{hash_lo, hash_hi}) return std::nullopt;
  return CachedKernel{Object((*object).begin(), (*object).end()), text_of(*reason), text_of(*misfit)};
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

std::optional<CachedKernel> KernelCache::read(base::Hash128 key) const {
  if (folder_.empty()) return std::nullopt;
  const std::string path = path_of(key);
  if (!base::is_file(path)) return std::nullopt;
  auto bytes = base::read_bytes(path);
  if (!bytes) return std::nullopt;
  auto kernel = parse(*bytes, path, key);
  static std::atomic<bool> is_told = false;  // a damaged cache is damaged in many places
  if (!kernel && !is_told.exchange(true))
    base::log_warn("compile cache: {} is damaged or of another version; compiled again, as is whatever else is", path);
  return kernel;
}

void KernelCache::write(base::Hash128 key, const CachedKernel& kernel) const {
  if (folder_.empty()) return;
  const base::Hash128 hash =
      hash_of(std::as_bytes(std::span(kernel.as_written)), std::as_bytes(std::span(kernel.misfit)), kernel.object);
  base::ByteWriter header;
  header.text(kMagic).little(key.lo).little(key.hi).little(uint64_t{kernel.as_written.size()});
  header.little(uint64_t{kernel.misfit.size()}).little(uint64_t{kernel.object.size()}).little(hash.lo).little(hash.hi);
  header.text(kernel.as_written).text(kernel.misfit);
  const std::string path = path_of(key);
  try {
    if (const std::string own = build_folder(folder_); !base::is_folder(own)) {
      base::make_folders(own);
      forget_old_builds();
    }
    base::make_folders(path.substr(0, path.rfind('/')));
    base::AtomicFile file(path);
    file.write(header.bytes());
    file.write(std::span<const std::byte>(kernel.object));
    file.commit();
  } catch (const base::Error& error) {
    static std::atomic<bool> is_told = false;
    if (!is_told.exchange(true)) base::log_warn("compile cache: not written: {}", error.message());
  }
}

}  // namespace strata::compiler
