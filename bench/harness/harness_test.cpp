// The harness itself: rows, turns, and peers that answer, refuse or die.
#include <gtest/gtest.h>

#include <cstdlib>

#include "bench/harness/contest.h"
#include "bench/harness/machine_limits.h"
#include "bench/harness/peer.h"
#include "bench/harness/run.h"
#include "bench/harness/suite.h"
#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"

namespace strata::bench {
namespace {

TEST(Row, TheRatioIsAboveOneWhereStrataIsBetter) {
  EXPECT_DOUBLE_EQ(*(Row{.ours = 2, .theirs = 6}.ratio()), 3);
  EXPECT_DOUBLE_EQ(*(Row{.ours = 150, .theirs = 100, .better = Better::Higher}.ratio()), 1.5);
  EXPECT_FALSE(Row{.ours = 2}.ratio().has_value());
  EXPECT_FALSE((Row{.ours = 0, .theirs = 1}.ratio().has_value()));
}

TEST(Row, HasTheFixedKeysAndNullsForWhatIsNotKnown) {
  const base::Json json = Row{.suite = "s", .workload = "w", .ours = 2, .unit = "ms", .bar = 2}.json();
  std::vector<std::string> keys;
  for (const base::JsonMember& m : json.members()) keys.push_back(m.key);
  EXPECT_EQ(keys,
            (std::vector<std::string>{"suite", "workload", "peer", "peer_version", "cpu", "ours", "theirs", "unit",
                                      "ratio", "bar", "limit_fraction", "threads", "operations", "bytes"}));
  for (const char* key : {"peer", "peer_version", "theirs", "ratio", "limit_fraction"})
    EXPECT_TRUE(json.at(key).is_null());
}

TEST(Row, OnlyAMeasuredRatioIsBelowABar) {
  EXPECT_TRUE((Row{.ours = 2, .theirs = 3, .bar = 2}.is_below_bar()));
  EXPECT_FALSE((Row{.ours = 2, .theirs = 4, .bar = 2}.is_below_bar()));
  EXPECT_FALSE((Row{.ours = 2, .bar = 2}.is_below_bar()));
}

TEST(Contest, TakesTurnsAndMedians) {
  std::string turns;
  double a = 0;
  const Contestant both[] = {{"a", [&] { return turns += 'a', a += 1; }}, {"b", [&] { return turns += 'b', 7.0; }}};
  const std::vector<double> medians = contest(both, 3);
  EXPECT_EQ(turns,
            "ababab"
            "ab");
  EXPECT_DOUBLE_EQ(medians[0], 3);  // of 2, 3, 4: the first turn is untimed
  EXPECT_DOUBLE_EQ(medians[1], 7);
  EXPECT_DOUBLE_EQ(median({4, 1, 3, 2}), 2.5);
}

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

TEST(Peer, AnswersOneLineForOne) {
  Peer peer("test_peer", shell("while read -r line; do echo '{\"seconds\": 0.25}'; done"));
  EXPECT_DOUBLE_EQ(peer.run(), 0.25);
  EXPECT_DOUBLE_EQ(peer.run(base::Json::object().set("n", 3)), 0.25);
}

void expect_failure(const std::string& script, const std::string& part) {
  Peer peer("test_peer", shell(script));
  try {
    peer.run();
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0720");
    EXPECT_NE(error.message().find(part), std::string::npos) << error.message();
  }
}

TEST(Peer, SaysWhatItCanNotDo) {
  expect_failure("read -r line; echo '{\"error\": \"no such library\"}'", "no such library");
}
TEST(Peer, ThatEndsIsAnError) { expect_failure("read -r line; exit 3", "ended"); }
TEST(Peer, ThatNeverReadIsAnError) { expect_failure("exec <&-; exit 0", "ended"); }

TEST(Peer, ThatDoesNotExistIsAnError) { EXPECT_THROW(Peer("test_peer", {"/nowhere/program"}), base::Error); }

TEST(Peaks, AreThoseOfTheThreadsAskedFor) {
  EXPECT_EQ(peaks_of(1).threads, 1);
  EXPECT_EQ(peaks_of(2).threads, 2);
  EXPECT_GT(peak_flops(1), 0);
  const int before = base::ThreadPool::shared().thread_count();
  peaks_of(3);
  EXPECT_EQ(base::ThreadPool::shared().thread_count(), before);
}

TEST(Run, AnUnknownSuiteOffersTheNearest) {
  try {
    run({.suites = {"recrd"}, .out = ""});
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0710");
    EXPECT_NE(error.text().find("record"), std::string::npos);
  }
}

TEST(Run, ReplacesTheRowsOfItsSuiteAndKeepsTheOthers) {
  const base::TempFolder folder("bench");
  const std::string path = folder / "rows.json";
  base::write_file(path,
                   std::string_view("[{\"suite\": \"gemm\", \"ours\": 1}, {\"suite\": \"record\", \"ours\": 1}]"));
  const std::vector<Row> rows = run({.suites = {"record"}, .suite = {.rounds = 1, .with_peers = false}, .out = path});
  const base::Json written = base::read_json(path).value();
  ASSERT_EQ(written.size(), rows.size() + 1);
  EXPECT_EQ(written.at(size_t{0}).at("suite").as_string(), "gemm");
  EXPECT_EQ(written.at(size_t{1}).at("suite").as_string(), "record");
}

TEST(Peers, ThatAreAbsentAreNamedWithWhatBringsThem) {
  ::setenv("STRATA_PEERS_PYTHON", "/nowhere/python", 1);
  bool names_torch = false;
  for (const std::string& line : absent_peers()) names_torch = names_torch || line.starts_with("PyTorch");
  EXPECT_TRUE(names_torch);
  ::unsetenv("STRATA_PEERS_PYTHON");
}

}  // namespace
}  // namespace strata::bench
