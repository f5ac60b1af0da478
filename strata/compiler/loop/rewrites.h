// The text of a schedule: one named rewrite a line, or several on a line parted by ';', with its numbers.
//
//   tile rows by 8, columns by 32, depth by 256     # rows, columns, depth: the loops of a product by their part in it
//   vectorise columns by 16
//   parallel rows by 256, columns by 128
//   pack rows, columns
//
// What the words mean, and which of them a nest takes, is said in schedule_kinds.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::compiler {

/// Lanes of a vector: what is wider than a register becomes several.
inline constexpr int64_t kWidestVector = 64;

/// A verb, and what it is done to, by which numbers.
struct Rewrite {
  struct Part {
    std::string what;
    std::vector<int64_t> numbers;
    friend bool operator==(const Part&, const Part&) = default;
  };
  std::string verb;
  std::vector<Part> parts;

  /// "tile rows by 8, columns by 32"
  std::string str() const;
  friend bool operator==(const Rewrite&, const Rewrite&) = default;
};

/// E0316 with the line when the text is no list of rewrites.
std::vector<Rewrite> parse_rewrites(std::string_view text);

/// Throws E0317: the schedule is none of this nest.
[[noreturn]] void refuse_schedule(const std::string& reason);

/// Takes what a kind of schedule knows out of a list; what is left at the end nobody knew. All errors are E0317.
class RewriteReader {
 public:
  explicit RewriteReader(std::vector<Rewrite> rewrites) : rewrites_(std::move(rewrites)) {}

  bool has(std::string_view verb, std::string_view what) const;
  bool has_verb(std::string_view verb) const;
  /// Takes a part out, with or without numbers; false if it is not there.
  bool take(std::string_view verb, std::string_view what);
  /// The one number of a part, in low..high.
  int64_t number(std::string_view verb, std::string_view what, int64_t low, int64_t high);
  /// A number that is a vector's width: a power of two of at most 64.
  int width(std::string_view verb, std::string_view what);
  /// The widths of the verb's only part, widest first, ending with 1; and the part's name.
  std::vector<int> widths(std::string_view verb, std::string& what);
  /// Refuses what was not taken.
  void finish() const;

 private:
  Rewrite::Part taken(std::string_view verb, std::string_view what);

  std::vector<Rewrite> rewrites_;
};

}  // namespace strata::compiler
