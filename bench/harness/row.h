// What a benchmark reports: one row a figure, always in the same form.
//
//   {suite, workload, peer, peer_version, cpu, ours, theirs, unit, ratio, bar, limit_fraction, threads,
//    operations, bytes}
//
// ratio > 1: Strata is faster (or smaller). bar: the ratio asked for. limit_fraction: our share of the machine's
// measured peak for the resource that binds. operations, bytes: of one piece of work, whoever does it; the bytes are
// those that have to be moved at least. What isn't known is null: a peer that isn't installed, a figure without a
// limit.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "strata/base/json/json.h"

namespace strata::bench {

/// Which of two figures is the better one.
enum class Better { Lower, Higher };

struct Row {
  std::string suite, workload;
  std::string peer;  ///< empty: none; "stated limit": an absolute bar, whose value is `theirs`
  std::string peer_version;
  double ours = 0;
  std::optional<double> theirs;
  std::string unit;
  Better better = Better::Lower;
  std::optional<double> bar, limit_fraction;
  int threads = 1;
  std::optional<double> operations, bytes;

  /// What it is compared with: a peer of this name and version, and its figure.
  void against(std::string name, std::string version, double figure);
  std::optional<double> ratio() const;
  bool is_below_bar() const { return bar && ratio() && *ratio() < *bar; }
  base::Json json() const;
};

inline constexpr std::string_view kStatedLimit = "stated limit";

/// The rows as a table for people.
std::string table_text(std::span<const Row> rows);

}  // namespace strata::bench
