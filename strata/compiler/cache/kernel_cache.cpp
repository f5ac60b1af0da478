#include "strata/compiler/cache/kernel_cache.h"

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/byte_writer.h"

namespace strata::compiler {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<CachedKernel> parse(std::span<const std::byte> bytes, const std::string& path) {
  base::ByteReader reader(bytes, path);
  const auto reason_bytes = reader.little<uint64_t>("header"), misfit_bytes = reader.little<uint64_t>("header");
  if (!reason_bytes || !misfit_bytes) return std::nullopt;
  const auto reason = reader.take(*reason_bytes, "reason");
  if (!reason) return std::nullopt;
  const auto misfit = reader.take(*misfit_bytes, "misfit");
  if (!misfit) return std::nullopt;
  const auto object = reader.take(reader.remaining(), "object");
  return CachedKernel{Object(object->begin(), object->end()), text_of(*reason), text_of(*misfit)};
}

}  // namespace

std::string KernelCache::path_of(base::Hash128 key) const {
  const std::string hex = key.hex();
  return files_.build_folder() + "/" + hex.substr(0, 2) + "/" + hex.substr(2) + ".o";
}

std::optional<CachedKernel> KernelCache::read(base::Hash128 key) const {
  const std::string path = path_of(key);
  const auto content = files_.read(path, key);
  if (!content) return std::nullopt;
  auto kernel = parse(content->bytes(), path);
  if (!kernel) EntryFiles::tell_damaged(path);
  return kernel;
}

void KernelCache::write(base::Hash128 key, const CachedKernel& kernel) const {
  if (!files_.has_folder()) return;
  base::ByteWriter content;
  content.little(uint64_t{kernel.as_written.size()}).little(uint64_t{kernel.misfit.size()});
  content.text(kernel.as_written).text(kernel.misfit);
  content.text({reinterpret_cast<const char*>(kernel.object.data()), kernel.object.size()});
  files_.write(path_of(key), key, content.bytes());
}

}  // namespace strata::compiler
