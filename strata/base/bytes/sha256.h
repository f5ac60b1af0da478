// SHA-256 (FIPS 180-4), for files whose identity must be trusted: downloads, corpora, released weights.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/error/error.h"

namespace strata::base {

/// 64 lower-case hex digits.
std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);
/// Of a file's content, read through a mapping. Errors: E0001.
Result<std::string> sha256_file(const std::string& path);

/// The hash of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256& update(std::span<const std::byte> bytes);
  /// The hash of all pieces; starts again with none.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace strata::base
