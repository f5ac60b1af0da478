// The compiled programs for segments, by family: which of them serves a segment, and how general the next one must be.
//
// A segment that comes with other numbers gets a program to which these are arguments, one with other sizes a program
// in which these are symbols: as many compilations as it takes to learn what varies, and none after that. Where the
// type rules refuse the symbols, each size has a program of its own, and the report says why.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "strata/base/recent/recent_table.h"
#include "strata/tensor/lazy/variant.h"

namespace strata::base {
class Json;
}

namespace strata::lazy {

/// What serves a segment: a program, and the numbers that are arguments of it.
struct Use {
  std::shared_ptr<const Variant> variant;
  std::vector<ir::HostArray> numbers;
  std::shared_ptr<std::atomic<int64_t>> run_count;  ///< of the programs of one family

  std::vector<ir::HostArray> run(std::vector<ir::HostArray>&& arguments) const;
};

/// No program fits a segment.
struct Missing {
  int64_t seen = 0;         ///< how often the family came, this time included
  bool may_compile = true;  ///< false: it is being compiled, or it failed, or came in too many kinds
  Generality wanted;        ///< of a program that serves this segment and those before
};

class Programs {
 public:
  enum class Guess : uint8_t {
    None,     ///< sizes are numbers until they vary
    AllVary,  ///< sizes of pointwise programs are symbols at once
  };
  /// At most `most` families, and as many segments that are known exactly.
  Programs(size_t most, Guess guess) : guess_(guess), exact_(most), families_(most) {}

  /// By exact_key().
  std::optional<Use> find(base::Hash128 exact);
  /// Notes that the segment came.
  std::variant<Use, Missing> look_up(const Segment& segment, base::Hash128 exact);
  /// Compiles what is missing and keeps it; the caller holds no lock. After an error the family is not compiled again.
  Use compile(const Segment& segment, base::Hash128 exact, Missing missing,
              const std::vector<ir::Donation>& donations = {});
  /// Marks a family as being compiled, until compile() ends or release(); false if another thread has done so.
  bool claim(const Segment& segment);
  void release(const Segment& segment);
  /// That a segment ran op by op.
  void note_pieces(const Segment& segment);

  /// For reports: an entry for each family, those that were used last first.
  base::Json json() const;

 private:
  struct Exact {
    std::shared_ptr<const Variant> variant;
    std::shared_ptr<std::atomic<int64_t>> run_count;
  };
  struct Family {
    std::string lines;
    size_t nodes = 0;
    std::vector<std::vector<int64_t>> samples;             ///< sizes, each once, the newest last
    std::vector<base::Hash128> values;                     ///< of numbers, when they came first
    std::vector<bool> changes;                             ///< numbers that had other values since
    std::vector<std::shared_ptr<const Variant>> variants;  ///< the newest first
    std::shared_ptr<std::atomic<int64_t>> run_count = std::make_shared<std::atomic<int64_t>>(0);  ///< of variants
    int64_t seen = 0, piece_runs = 0;
    int compilations = 0;
    bool is_under_way = false;
    std::string failure;               ///< of a compilation
    std::string refusal;               ///< why sizes are no symbols
    std::vector<std::string> reasons;  ///< of each compilation
  };
  Family& family_of(const Segment& segment);
  std::string learn(Family& family, const Segment& segment) const;
  Generality generality(const Family& family, const Segment& segment) const;
  Use use(const Family& family, std::shared_ptr<const Variant> variant, const Segment& segment, base::Hash128 exact);
  static base::Json json_of(const Family& family);

  const Guess guess_;
  mutable std::mutex lock_;
  base::RecentTable<Exact> exact_;
  base::RecentTable<Family> families_;
};

}  // namespace strata::lazy
