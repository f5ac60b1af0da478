// English text to measure tokenizers on: 8 MB of the demo's corpus where it was built, else the King James Bible.
#pragma once

#include <string>

namespace strata::bench {

struct EnglishText {
  std::string name;  ///< for the row
  std::string text;  ///< documents separated by empty lines
};

/// Throws E0634, E0642 when neither is there.
EnglishText english_text();

}  // namespace strata::bench
