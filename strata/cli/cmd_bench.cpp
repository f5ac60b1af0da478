// strata bench: measures Strata against its peers.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/harness/peer.h"
#include "bench/harness/run.h"
#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"

namespace strata::cli {
namespace {

struct Options {
  bench::RunOptions run;
  std::string measure;
  bool list = false, json = false, no_peers = false;
};

int list_suites() {
  std::string text;
  for (const bench::Suite& s : bench::suites()) text += fmt::format("{:12}  {}\n", s.name, s.summary);
  print_out(text);
  return 0;
}

/// Which peers no row could be compared with, for the reader of the table.
std::string absent_text() {
  std::string text;
  for (const std::string& line : bench::absent_peers()) text += "no peer: " + line + "\n";
  return text;
}

int run(Options& options) {
  if (options.list) return list_suites();
  if (!options.measure.empty()) {
    print_out(bench::measure(options.measure).dump() + "\n");
    return 0;
  }
  options.run.suite.with_peers = !options.no_peers;
  const std::vector<bench::Row> rows = bench::run(options.run);
  if (!options.json) {
    print_out(bench::table_text(rows) + (options.no_peers ? "" : absent_text()));
    return 0;
  }
  base::Json list = base::Json::array();
  for (const bench::Row& row : rows) list.push(row.json());
  print_out(list.dump_pretty() + "\n");
  return 0;
}

}  // namespace

Run declare_bench(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("--suite", options->run.suites, "only these suites").type_name("NAME");
  line.add_option("--rounds", options->run.suite.rounds, "turns of each side; medians count")
      .show_default()
      .between(1, 1000);
  line.add_option("--out", options->run.out, "file of the rows; empty: none").show_default().may_be_empty();
  line.add_flag("--no-peers", options->no_peers, "our figures alone");
  line.add_flag("--json", options->json, "the rows as JSON on stdout");
  line.add_flag("--list", options->list, "the suites");
  line.add_option("--measure", options->measure, "one measurement that needs a process of its own").hidden();
  return [options] { return run(*options); };
}

}  // namespace strata::cli
