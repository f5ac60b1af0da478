#include "strata/formats/safetensors/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/json/json.h"
#include "strata/formats/safetensors/element_type.h"

namespace strata::formats {
namespace {

using base::Error;
using base::Json;
using base::Result;

Error malformed(std::string_view source, std::string_view what, std::string_view expected, std::string_view found) {
  return Error(base::code::kMalformedSafetensors,
               fmt::format("{}: {}: expected {}, found {}", source, what, expected, found));
}

/// Member of a tensor's description, of the wanted kind.
Result<const Json*> member(const Json& object, const char* key, Json::Kind kind, const char* expected,
                           const std::string& source, const std::string& tensor) {
  const Json* value = object.find(key);
  const std::string what = fmt::format("tensor '{}': \"{}\"", tensor, key);
  if (value == nullptr) return malformed(source, what, expected, "none");
  if (value->kind() != kind) return malformed(source, what, expected, value->dump().substr(0, 80));
  return value;
}

/// Non-negative integers of a list.
Result<std::vector<int64_t>> sizes(const Json& list, const char* key, const std::string& source,
                                   const std::string& tensor) {
  std::vector<int64_t> numbers;
  for (const Json& item : list.items()) {
    if (!item.is_int() || item.as_int() < 0)
      return malformed(source, fmt::format("tensor '{}': \"{}\"", tensor, key), "integers from 0 to 2^63-1",
                       item.dump().substr(0, 80));
    numbers.push_back(item.as_int());
  }
  return numbers;
}

/// Bytes of a dense tensor; nothing when the extents other than 0 have a product past 2^62, which no array can have.
std::optional<uint64_t> dense_bytes(const std::vector<int64_t>& shape, ir::DType dtype) {
  int64_t product = ir::dtype_bytes(dtype);
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent == 0)
      empty = true;
    else if (__builtin_mul_overflow(product, extent, &product) || product > (int64_t{1} << 62))
      return std::nullopt;
  }
  return empty ? 0 : product;
}

Result<TensorEntry> parse_entry(const std::string& name, const Json& value, uint64_t data_bytes,
                                const std::string& source) {
  const auto refuse = [&](std::string_view what, std::string_view expected, std::string_view found) {
    return malformed(source, fmt::format("tensor '{}': {}", name, what), expected, found);
  };
  if (!value.is_object()) return refuse("its description", "an object", value.dump().substr(0, 80));
  TensorEntry entry{.name = name};
  auto dtype = member(value, "dtype", Json::Kind::String, "a string", source, name);
  if (!dtype) return dtype.error();
  auto shape = member(value, "shape", Json::Kind::Array, "a list of integers", source, name);
  if (!shape) return shape.error();
  auto offsets = member(value, "data_offsets", Json::Kind::Array, "[begin, end]", source, name);
  if (!offsets) return offsets.error();

  const auto known = dtype_of_safetensors((*dtype)->as_string());
  if (!known) return refuse("dtype", "one of " + safetensors_names(), (*dtype)->dump().substr(0, 80));
  entry.dtype = *known;
  auto extents = sizes(**shape, "shape", source, name);
  if (!extents) return extents.error();
  entry.shape = std::move(*extents);
  if (entry.shape.size() > kMaxSafetensorsRank)
    return refuse("shape", fmt::format("at most {} dimensions", kMaxSafetensorsRank),
                  fmt::to_string(entry.shape.size()));
  auto range = sizes(**offsets, "data_offsets", source, name);
  if (!range) return range.error();
  if (range->size() != 2) return refuse("data_offsets", "[begin, end]", (*offsets)->dump().substr(0, 80));
  entry.begin = (*range)[0];
  entry.end = (*range)[1];
  if (entry.begin > entry.end || entry.end > data_bytes)
    return refuse("data_offsets", fmt::format("0 <= begin <= end <= {}, the bytes of data in the file", data_bytes),
                  fmt::format("[{}, {}]", entry.begin, entry.end));
  const auto bytes = dense_bytes(entry.shape, entry.dtype);
  if (bytes != entry.end - entry.begin)
    return refuse("data_offsets",
                  bytes ? fmt::format("{} bytes for {} of shape [{}]", *bytes, safetensors_name(entry.dtype),
                                      fmt::join(entry.shape, ", "))
                        : fmt::format("a shape of at most 2^62 bytes instead of [{}]", fmt::join(entry.shape, ", ")),
                  fmt::format("{} bytes", entry.end - entry.begin));
  return entry;
}

/// Each byte of the data belongs to exactly one tensor: a hole could hide anything, an overlap would alias.
std::optional<Error> check_cover(const std::vector<TensorEntry>& sorted, uint64_t data_bytes,
                                 const std::string& source) {
  uint64_t covered = 0;
  for (const TensorEntry& entry : sorted) {
    if (entry.begin != covered)
      return malformed(source, fmt::format("tensor '{}': data_offsets", entry.name),
                       fmt::format("begin {}, where the tensor before it ends", covered),
                       fmt::format("{} ({})", entry.begin, entry.begin < covered ? "they overlap" : "a hole between"));
    covered = entry.end;
  }
  if (covered != data_bytes)
    return malformed(source, "data", fmt::format("{} bytes, where the last tensor ends", covered),
                     fmt::format("{} bytes", data_bytes));
  return std::nullopt;
}

Result<std::map<std::string, std::string>> parse_metadata(const Json& value, const std::string& source) {
  if (!value.is_object()) return malformed(source, "__metadata__", "an object", value.dump().substr(0, 80));
  std::map<std::string, std::string> metadata;
  for (const base::JsonMember& entry : value.members()) {
    if (!entry.value.is_string())
      return malformed(source, fmt::format("__metadata__ '{}'", entry.key), "a string",
                       entry.value.dump().substr(0, 80));
    metadata[entry.key] = entry.value.as_string();
  }
  return metadata;
}

/// The JSON text, checked against the size of the file before it is believed.
Result<std::string_view> header_text(std::span<const std::byte> bytes, const std::string& source) {
  base::ByteReader reader(bytes, source);
  auto length = reader.little<uint64_t>("header size");
  if (!length) return malformed(source, "header size", "8 bytes", fmt::format("a file of {} bytes", bytes.size()));
  if (*length > kMaxSafetensorsHeaderBytes)
    return malformed(source, "header size", fmt::format("at most {} bytes", kMaxSafetensorsHeaderBytes),
                     fmt::to_string(*length));
  if (*length > reader.remaining())
    return malformed(source, "header", fmt::format("{} bytes", *length),
                     fmt::format("{} up to the end of the file", reader.remaining()));
  const auto raw = bytes.subspan(8, *length);
  return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, std::string source) {
  auto text = header_text(bytes, source);
  if (!text) return text.error();
  auto header = base::parse_json(*text, source + ": header", {.depth = 8});
  if (!header) return header.error();
  if (!header->is_object()) return malformed(source, "header", "an object", header->dump().substr(0, 80));

  SafetensorsFile file;
  file.source_ = std::move(source);
  file.data_ = bytes.subspan(8 + text->size());
  for (const base::JsonMember& described : header->members()) {
    if (described.key == "__metadata__") {
      auto metadata = parse_metadata(described.value, file.source_);
      if (!metadata) return metadata.error();
      file.metadata_ = std::move(*metadata);
      continue;
    }
    auto entry = parse_entry(described.key, described.value, file.data_.size(), file.source_);
    if (!entry) return entry.error();
    file.entries_.push_back(std::move(*entry));
  }
  // Empty tensors before others at the same offset, else they would seem to overlap.
  std::stable_sort(file.entries_.begin(), file.entries_.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  if (auto error = check_cover(file.entries_, file.data_.size(), file.source_)) return *error;
  for (size_t i = 0; i < file.entries_.size(); ++i) file.by_name_.push_back(i);
  std::ranges::sort(file.by_name_, {}, [&](size_t i) { return std::string_view(file.entries_[i].name); });
  return file;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  auto mapped = base::MappedFile::open(path);
  if (!mapped) return mapped.error();
  auto owned = std::make_unique<base::MappedFile>(std::move(*mapped));
  auto file = parse(owned->bytes(), path);
  if (file) file->file_ = std::move(owned);
  return file;
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  const auto name_of = [&](size_t i) { return std::string_view(entries_[i].name); };
  const auto found = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return found == by_name_.end() || name_of(*found) != name ? nullptr : &entries_[*found];
}

ir::HostArray SafetensorsFile::array(std::string_view name) const {
  if (const TensorEntry* entry = find(name)) return array(*entry);
  std::vector<std::string> names;
  for (const TensorEntry& entry : entries_) names.push_back(entry.name);
  Error error(base::code::kMissingTensor, fmt::format("{}: no tensor '{}' among its {}", source_, name, names.size()));
  if (const auto near = base::nearest_name(name, names)) error.hint(fmt::format("did you mean '{}'?", *near));
  throw error;
}

ir::HostArray SafetensorsFile::array(const TensorEntry& entry) const {
  const auto raw = bytes(entry);
  if (entry.dtype == ir::DType::boolean)
    for (size_t i = 0; i < raw.size(); ++i)
      if (raw[i] > std::byte{1})
        throw malformed(source_, fmt::format("tensor '{}': element {}", entry.name, i), "0 or 1 for BOOL",
                        fmt::to_string(static_cast<int>(raw[i])));
  ir::HostArray array(entry.dtype, entry.shape);
  if (!raw.empty()) std::memcpy(array.data(), raw.data(), raw.size());
  return array;
}

}  // namespace strata::formats
