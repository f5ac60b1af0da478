// The code of an error, E0102: what users look up (`strata error E0102`), tests state and scripts match. The sources
// name it: one header per layer in codes/, the page of each in catalog/.
#pragma once

#include <string_view>

namespace strata::base {

class ErrorCode {
 public:
  /// `text` lives as long as the program.
  explicit constexpr ErrorCode(std::string_view text) : text_(text) {}
  constexpr std::string_view str() const { return text_; }
  constexpr operator std::string_view() const { return text_; }
  friend constexpr bool operator==(ErrorCode a, ErrorCode b) { return a.text_ == b.text_; }
  friend constexpr bool operator==(ErrorCode a, std::string_view b) { return a.text_ == b; }

 private:
  std::string_view text_;
};

}  // namespace strata::base
