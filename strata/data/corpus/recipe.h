// What the corpus is made of: package descriptions and manuals of Debian 12, in one table.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace strata::data {

enum class TextFormat { Html, Roff };

/// One package and which of its files are read.
struct ManualSource {
  std::string_view package;
  TextFormat format;
  std::string_view folder;   ///< only below it, from the archive's root, without a leading slash
  std::string_view suffix;   ///< only names that end so
  std::string_view without;  ///< not names that contain this; empty: all
};

/// Largest first: the archives are unpacked side by side.
std::span<const ManualSource> manual_sources();

/// Raised by every change that gives other text from the same packages: cached corpora of another recipe are built
/// anew.
constexpr int64_t kRecipeVersion = 1;

/// Bytes of the text that is held out.
constexpr uint64_t kHeldOutBytes = 1'000'000;

}  // namespace strata::data
