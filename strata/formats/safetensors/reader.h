// Reads safetensors files (https://github.com/huggingface/safetensors, "Format"): named tensors and a map of strings.
//
//   0        8                    8 + H
//   | H: u64 | JSON, H bytes      | data                                    |
//   |        | {"w": {"dtype":    | tensors end to end: no hole, no overlap |
//   |        |  "F32","shape":..  |                                         |
//
// The bytes are untrusted: everything is checked when the file is opened, so looking at a tensor later can't go wrong.
// The data are mapped, not read: opening a file of gigabytes costs what its header costs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/bytes/mapped_file.h"
#include "strata/base/error/error.h"
#include "strata/ir/host_array.h"

namespace strata::formats {

/// Largest header that is read: what the official library accepts.
constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
/// Most dimensions of one tensor.
constexpr size_t kMaxSafetensorsRank = 64;

/// One tensor of the file; offsets are in bytes from the start of the data.
struct TensorEntry {
  std::string name;
  ir::DType dtype = ir::DType::f32;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

class SafetensorsFile {
 public:
  /// Maps the file. Errors: E0001 (no such file), E0630 (malformed), E0004 (the header is no JSON, or names a tensor
  /// twice).
  ///
  ///   SafetensorsFile file = SafetensorsFile::open("mlp.safetensors").value();
  ///   ir::HostArray weight = file.array("hidden.weight");
  static base::Result<SafetensorsFile> open(const std::string& path);

  /// The same for bytes in memory, which must outlive the object. `source` names them in messages.
  static base::Result<SafetensorsFile> parse(std::span<const std::byte> bytes, std::string source);

  /// In the order of their data.
  const std::vector<TensorEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& source() const { return source_; }

  /// The entry of that name, or nullptr.
  const TensorEntry* find(std::string_view name) const;
  /// The bytes of a tensor in the file: little-endian, row-major, of any alignment.
  std::span<const std::byte> bytes(const TensorEntry& entry) const {
    return data_.subspan(entry.begin, entry.end - entry.begin);
  }
  /// A copy of a tensor. Throws E0632 (no tensor of that name, with the nearest one), E0630 (a bool that is neither 0
  /// nor 1).
  ir::HostArray array(std::string_view name) const;
  ir::HostArray array(const TensorEntry& entry) const;

 private:
  std::string source_;
  std::unique_ptr<base::MappedFile> file_;  ///< none when parsed from memory
  std::span<const std::byte> data_;         ///< what follows the header
  std::vector<TensorEntry> entries_;
  std::vector<size_t> by_name_;  ///< indices into entries_, sorted by name
  std::map<std::string, std::string> metadata_;
};

}  // namespace strata::formats
