#include "strata/formats/safetensors/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/utf8.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/formats/safetensors/element_type.h"
#include "strata/formats/safetensors/reader.h"

namespace strata::formats {
namespace {

using base::Error;
using base::Json;

void require_utf8(const std::string& text, std::string_view what) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t length = base::utf8_length(rest);
    if (length == 0)
      throw Error(base::code::kUnwritableTensors,
                  fmt::format("{}: expected UTF-8, found byte 0x{:02x} at {}", what,
                              static_cast<unsigned char>(rest[0]), text.size() - rest.size()));
    rest.remove_prefix(length);
  }
}

std::vector<const NamedArray*> in_file_order(std::span<const NamedArray> arrays) {
  std::vector<const NamedArray*> order;
  for (const NamedArray& named : arrays) order.push_back(&named);
  std::sort(order.begin(), order.end(), [](const NamedArray* a, const NamedArray* b) {
    const int64_t bytes_a = ir::dtype_bytes(a->array.dtype()), bytes_b = ir::dtype_bytes(b->array.dtype());
    return bytes_a != bytes_b ? bytes_a > bytes_b : a->name < b->name;
  });
  return order;
}

void check_names(std::span<const NamedArray> arrays) {
  std::vector<std::string_view> names;
  for (const NamedArray& named : arrays) {
    if (named.name.empty() || named.name == "__metadata__")
      throw Error(base::code::kUnwritableTensors,
                  fmt::format("a tensor can't be named '{}' in a safetensors file", named.name));
    require_utf8(named.name, "a tensor's name");
    if (named.array.is_encoded())
      throw Error(base::code::kUnwritableTensors,
                  fmt::format("'{}' is an array of {}, which safetensors files have no dtype for", named.name,
                              named.array.encoding().name()))
          .hint("write its encoded_bytes, and give them back to from_encoded_bytes");
    names.push_back(named.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    throw Error(base::code::kUnwritableTensors, fmt::format("two tensors are named '{}'", *twice));
}

Json describe_metadata(const std::map<std::string, std::string>& metadata) {
  Json object = Json::object();
  for (const auto& [key, value] : metadata) {
    require_utf8(key, "a key of the metadata");
    require_utf8(value, fmt::format("metadata '{}'", key));
    object.set(key, value);
  }
  return object;
}

/// Built as a list of members: Json::set would look for each name among those before it.
std::string header_of(const std::vector<const NamedArray*>& order, const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header.members().push_back({"__metadata__", describe_metadata(metadata)});
  int64_t offset = 0;
  for (const NamedArray* named : order) {
    const int64_t end = offset + named->array.bytes();
    Json shape = Json::array();
    for (const int64_t extent : named->array.shape()) shape.push(extent);
    Json entry = Json::object();
    entry.set("dtype", std::string(safetensors_name(named->array.dtype())));
    entry.set("shape", std::move(shape));
    entry.set("data_offsets", Json::array({offset, end}));
    header.members().push_back({named->name, std::move(entry)});
    offset = end;
  }
  return header.dump();
}

}  // namespace

void save_safetensors(const std::string& path, std::span<const NamedArray> arrays,
                      const std::map<std::string, std::string>& metadata) {
  check_names(arrays);
  const std::vector<const NamedArray*> order = in_file_order(arrays);
  std::string header = header_of(order, metadata);
  header.resize((header.size() + 7) / 8 * 8, ' ');
  if (header.size() > kMaxSafetensorsHeaderBytes)
    throw Error(base::code::kUnwritableTensors,
                fmt::format("{}: the header would have {} bytes, readers take at most {}", path, header.size(),
                            kMaxSafetensorsHeaderBytes));
  base::AtomicFile file(path);
  file.write(base::ByteWriter().little<uint64_t>(header.size()).str());
  file.write(header);
  for (const NamedArray* named : order) file.write(std::span(named->array.data(), named->array.bytes()));
  file.commit();
}

}  // namespace strata::formats
