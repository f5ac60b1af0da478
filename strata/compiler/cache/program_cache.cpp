#include "strata/compiler/cache/program_cache.h"

#include <algorithm>
#include <filesystem>

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/byte_writer.h"

namespace strata::compiler {
namespace {

namespace fs = std::filesystem;

/// Throws what ByteReader says of bytes that are none of a program.
class ProgramParser {
 public:
  ProgramParser(std::span<const std::byte> bytes, const std::string& path) : reader_(bytes, path) {}

  CachedProgram parse() {
    CachedProgram program;
    program.kernels.resize(list());
    for (KnownKernel& k : program.kernels) {
      k.identity.lo = number();
      k.identity.hi = number();
      k.name = text();
      k.dims.resize(list());
      for (std::string& dim : k.dims) dim = text();
      k.in_place.resize(list());
      for (auto& [output, input] : k.in_place) {
        output = static_cast<int>(number());
        input = static_cast<int>(number());
      }
      k.is_surprise = number() != 0;
    }
    program.image = text();
    if (!reader_.at_end()) throw reader_.fail("end", "no more bytes", std::to_string(reader_.remaining()));
    return program;
  }

 private:
  uint64_t number() {
    auto value = reader_.little<uint64_t>("number");
    if (!value) throw value.error();
    return *value;
  }
  /// Each entry of a list takes 8 bytes or more.
  size_t list() {
    const uint64_t count = number();
    if (count > reader_.remaining() / 8) throw reader_.fail("list", "fewer entries", std::to_string(count));
    return count;
  }
  std::string text() {
    auto text = reader_.text(number(), "text");
    if (!text) throw text.error();
    return std::move(*text);
  }

  base::ByteReader reader_;
};

void add_text(base::ByteWriter& out, std::string_view text) { out.little(uint64_t{text.size()}).text(text); }

std::string content_of(const CachedProgram& program) {
  base::ByteWriter out;
  out.little(uint64_t{program.kernels.size()});
  for (const KnownKernel& k : program.kernels) {
    out.little(k.identity.lo).little(k.identity.hi);
    add_text(out, k.name);
    out.little(uint64_t{k.dims.size()});
    for (const std::string& dim : k.dims) add_text(out, dim);
    out.little(uint64_t{k.in_place.size()});
    for (const auto& [output, input] : k.in_place) out.little(int64_t{output}).little(int64_t{input});
    out.little(uint64_t{k.is_surprise});
  }
  add_text(out, program.image);
  return out.str();
}

}  // namespace

std::string ProgramCache::path_of(base::Hash128 key) const { return folder() + "/" + key.hex() + ".program"; }

std::optional<CachedProgram> ProgramCache::read(base::Hash128 key) const {
  const std::string path = path_of(key);
  const auto content = files_.read(path, key);
  if (!content) return std::nullopt;
  try {
    CachedProgram program = ProgramParser(content->bytes(), path).parse();
    std::error_code ignored;  // a folder that can't be written has nothing removed from it either
    fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
    return program;
  } catch (const base::Error&) {
    EntryFiles::tell_damaged(path);
    return std::nullopt;
  }
}

void ProgramCache::write(base::Hash128 key, const CachedProgram& program) const {
  if (!has_folder()) return;
  const std::string content = content_of(program);
  if (content.size() > limits_.bytes / 8) return;
  files_.write(path_of(key), key, std::as_bytes(std::span(content)));
  if (key.lo % 16 == 0) trim();
}

void ProgramCache::trim() const {
  struct File {
    fs::file_time_type used;
    uint64_t bytes;
    fs::path path;
  };
  std::error_code ignored;  // another process may be removing the same files
  std::vector<File> all;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder(), ignored)) {
    const uint64_t bytes = entry.file_size(ignored);
    if (!ignored) all.push_back({entry.last_write_time(ignored), bytes, entry.path()});
  }
  std::ranges::sort(all, std::greater(), &File::used);
  uint64_t bytes = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    bytes += all[i].bytes;
    if (i >= limits_.files || bytes > limits_.bytes) fs::remove(all[i].path, ignored);
  }
}

}  // namespace strata::compiler
