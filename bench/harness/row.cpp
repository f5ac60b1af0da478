#include "bench/harness/row.h"

#include <fmt/format.h>

#include "strata/base/terminal/table.h"
#include "strata/machine/cpu_target.h"

namespace strata::bench {
namespace {

base::Json or_null(const std::optional<double>& value) { return value ? base::Json(*value) : base::Json(); }
base::Json or_null(const std::string& text) { return text.empty() ? base::Json() : base::Json(text); }

std::string figure(const std::optional<double>& value) { return value ? fmt::format("{:.4g}", *value) : "-"; }

}  // namespace

void Row::against(std::string name, std::string version, double figure) {
  peer = std::move(name);
  peer_version = std::move(version);
  theirs = figure;
}

std::optional<double> Row::ratio() const {
  if (!theirs || ours == 0 || *theirs == 0) return std::nullopt;
  return better == Better::Lower ? *theirs / ours : ours / *theirs;
}

base::Json Row::json() const {
  return base::Json::object()
      .set("suite", suite)
      .set("workload", workload)
      .set("peer", or_null(peer))
      .set("peer_version", or_null(peer_version))
      .set("cpu", machine::cpu_brand())
      .set("ours", ours)
      .set("theirs", or_null(theirs))
      .set("unit", unit)
      .set("ratio", or_null(ratio()))
      .set("bar", or_null(bar))
      .set("limit_fraction", or_null(limit_fraction))
      .set("threads", threads)
      .set("operations", or_null(operations))
      .set("bytes", or_null(bytes));
}

std::string table_text(std::span<const Row> rows) {
  using base::Align;
  base::Table table({{"suite"},
                     {"workload"},
                     {"threads", Align::Right},
                     {"ours", Align::Right},
                     {"theirs", Align::Right},
                     {"unit"},
                     {"ratio", Align::Right},
                     {"bar", Align::Right},
                     {"of limit", Align::Right},
                     {"peer"},
                     {""}});
  for (const Row& r : rows)
    table.add({r.suite, r.workload, std::to_string(r.threads), figure(r.ours), figure(r.theirs), r.unit,
               figure(r.ratio()), figure(r.bar),
               r.limit_fraction ? fmt::format("{:.0f} %", *r.limit_fraction * 100) : "-",
               r.peer.empty()           ? "none"
               : r.peer_version.empty() ? r.peer
                                        : r.peer + " " + r.peer_version,
               r.is_below_bar() ? "below the bar" : ""});
  return table.text();
}

}  // namespace strata::bench
