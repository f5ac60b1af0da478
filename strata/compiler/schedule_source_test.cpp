// Schedules from a source: what a kernel is compiled with, what it is known by, and what is said of a text that does
// not fit and of a kernel that has none.
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/loop/schedule_database.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/base/error/message_of.h"
#include "strata/base/trace/log.h"
#include "strata/compiler/compile.h"
#include "strata/compiler/explain.h"
#include "strata/compiler/testing/no_disk_cache.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/machine/machine_word.h"
#include "strata/ops/elementwise/elementwise.h"
#include "strata/ops/operands/operators.h"
#include "strata/ops/sort/sort.h"

namespace strata::compiler {
namespace {

using base::message_of;
using ir::Graph;
using ir::HostArray;

constexpr std::string_view kKey = "5b1c0c22f09b6f0e88f2a7de0c3b1a94";
constexpr machine::CpuTarget kLevel = machine::kScalar;  // any host runs it

/// Pointwise: exp(x) * scale of f32[B,7].
std::shared_ptr<Graph> pointwise(double scale) {
  auto graph = std::make_shared<Graph>("scaled");
  const ir::Value x = graph->add_parameter(ir::Type::of(ir::DType::f32, {ir::Dim::symbol("B"), 7}));
  graph->set_results({ops::exp(x) * scale});
  return graph;
}

std::vector<HostArray> arguments() {
  std::vector<HostArray> made;
  HostArray& x = made.emplace_back(ir::DType::f32, std::vector<int64_t>{13, 7});
  for (int64_t i = 0; i < x.elements(); ++i) x.set(i, 0.125 * static_cast<double>(i % 29) - 1.5);
  return made;
}

KernelExplanation only_kernel(const Graph& graph, std::shared_ptr<const ScheduleSource> source = nullptr) {
  Explanation explanation = explain(graph, {.target = &llvm_target_for(kLevel), .schedules = std::move(source)});
  EXPECT_EQ(explanation.kernels.size(), 1u);
  return std::move(explanation.kernels.at(0));
}

std::string joined(const std::vector<std::string>& lines) { return fmt::format("{}", fmt::join(lines, "; ")); }

/// A database with one entry for the program's only kernel.
std::shared_ptr<const ScheduleDatabase> tuned(const Graph& graph, const std::string& rewrites) {
  const KernelExplanation kernel = only_kernel(graph);
  const std::string text = entry_head(kernel.nest, kernel.target) + "\n" + rewrites + "\n";
  return std::make_shared<const ScheduleDatabase>(ScheduleDatabase::parse(text, "tuned.schedules"));
}

TEST(ScheduleDatabase, ReadsWhatItWrites) {
  const std::string text = fmt::format(
      "# tuned on 2 cores\nschedule {} avx2   # a product\n  tile rows by 6, columns by 16, depth by 256\n"
      "  vectorise columns by 8; pack columns\n\nschedule {} scalar\nparallel points by 64",
      kKey, kKey);
  const ScheduleDatabase read = ScheduleDatabase::parse(text, "a");
  EXPECT_EQ(read.size(), 2u);
  EXPECT_EQ(
      read.text(),
      fmt::format("strata schedules 2\nschedule {} avx2\n  tile rows by 6, columns by 16, depth by 256\n  vectorise "
                  "columns by 8\n  pack columns\nschedule {} scalar\n  parallel points by 64\n",
                  kKey, kKey));
  EXPECT_EQ(ScheduleDatabase::parse(read.text(), "b").text(), read.text());
  const base::TempFolder folder;
  read.write(folder.path() + "/tuned.schedules");
  EXPECT_EQ(ScheduleDatabase::read(folder.path() + "/tuned.schedules").text(), read.text());
}

TEST(ScheduleDatabase, IsWrittenByPrograms) {
  ScheduleDatabase database;
  const base::Hash128 nest{1, 2};
  database.set(nest, "avx2", "vectorise i by 8, 1; parallel points by 64");
  database.set(nest, "avx2", "vectorise i by 4, 1; parallel points by 64");
  EXPECT_EQ(database.text(),
            "strata schedules 2\nschedule " + nest.hex() + " avx2\n  vectorise i by 4, 1\n  parallel points by 64\n");
  EXPECT_TRUE(database.find(nest, "avx2"));
  EXPECT_FALSE(database.find(nest, "avx512"));
  EXPECT_EQ(message_of([&] { database.set(nest, "sse9", "parallel points by 64"); }).substr(0, 12), "error[E0326]");
  EXPECT_EQ(message_of([&] { database.set(nest, "avx2", "parallel"); }).substr(0, 12), "error[E0316]");
}

TEST(ScheduleDatabase, KeepsMachinesAndMeasurementsApart) {
  const std::string& here = machine::machine_word();
  const std::string text = fmt::format(
      "strata schedules 2\nschedule {0} avx2\n  parallel points by 1\nschedule {0} avx2 on {1}\n  measured 12.5 us, "
      "heuristic 20 us, threads 2, trials 30\n  parallel points by 2\nschedule {0} avx512 on elsewhere\n  parallel "
      "points by 3\n",
      kKey, here);
  const ScheduleDatabase read = ScheduleDatabase::parse(text, "a");
  EXPECT_EQ(read.text(), text);
  const base::Hash128 nest = read.entries().begin()->second.nest;
  EXPECT_EQ(read.find(nest, "avx2")->rewrites, "  parallel points by 2\n") << "what was measured here comes first";
  EXPECT_FALSE(read.find(nest, "avx512")) << "another machine's measurement says nothing";
  EXPECT_EQ(read.entries().at({nest, "avx2", here}).measured->trials, 30);
}

TEST(ScheduleDatabase, MergesIntoAFileWhichStaysWhatItIsIfItIsNone) {
  const base::TempFolder folder;
  const std::string path = folder / "tuned.schedules";
  ScheduleDatabase first, second;
  first.set(base::Hash128{1, 2}, "avx2", "parallel points by 1");
  first.set(base::Hash128{3, 4}, "avx2", "parallel points by 2");
  second.set(base::Hash128{3, 4}, "avx2", "parallel points by 5");
  first.merge_into(path);
  second.merge_into(path);
  const ScheduleDatabase both = ScheduleDatabase::read(path);
  EXPECT_EQ(both.size(), 2u);
  EXPECT_EQ(both.find(base::Hash128{3, 4}, "avx2")->rewrites, "  parallel points by 5\n");
  const ScheduleDatabase::Key withdrawn[] = {{base::Hash128{1, 2}, "avx2", ""}, {base::Hash128{7, 7}, "avx2", ""}};
  second.merge_into(path, withdrawn);
  EXPECT_EQ(ScheduleDatabase::read(path).text(), second.text());
  base::write_file(path,
                   "\x7f"
                   "ELF");
  EXPECT_TRUE(message_of([&] { first.merge_into(path); }).starts_with("error[E0326]: "));
  EXPECT_EQ(base::read_text(path).value(),
            "\x7f"
            "ELF");
  EXPECT_TRUE(message_of([&] { first.merge_into(folder / "no/such/folder"); }).starts_with("error[E0002]: "));
}

TEST(ScheduleDatabase, OfThisCacheFolderIsUsedByItselfUnlessItIsBroken) {
  const base::TempFolder folder;
  const auto found_in = [&](const std::string& cache) {
    setenv("STRATA_CACHE", cache.c_str(), 1);
    auto source = schedules_from_environment();
    unsetenv("STRATA_CACHE");
    return source;
  };
  const NoDiskCache as_before;
  EXPECT_EQ(found_in(""), nullptr);
  EXPECT_EQ(found_in(folder / "none"), nullptr);
  base::make_folders(folder / "good");
  base::make_folders(folder / "broken");
  ScheduleDatabase database;
  database.set(base::Hash128{1, 2}, "avx2", "parallel points by 1");
  database.write(folder / "good/tuned.schedules");
  base::write_file(folder / "broken/tuned.schedules", "strata schedules 3\n");
  ASSERT_NE(found_in(folder / "good"), nullptr);
  EXPECT_TRUE(found_in(folder / "good")->find(base::Hash128{1, 2}, "avx2"));
  EXPECT_EQ(found_in(folder / "broken"), nullptr);
}

TEST(ScheduleSource, Avx512TargetsShareWhatHasNoDotProductsOfTheirOwn) {
  const auto kernel = [](const std::string& dtype) {
    return ir::loops::parse_kernel(
               fmt::format("kernel @copy(%x: {0}[8]) -> (%y: {0}[8]) {{ parallel i in 0..8 {{ %y[i] = "
                           "%x[i] }} }}",
                           dtype))
        .value();
  };
  ScheduleDatabase database;
  for (const char* dtype : {"f32", "i8"})
    database.set(nest_key(kernel(dtype)), "avx512", "vectorise i by 8, 1; parallel points by 64");
  const auto rewrites = [&](const char* dtype, const char* target) {
    return with_schedule_of(&database, kernel(dtype), target, {}).rewrites;
  };
  EXPECT_NE(rewrites("f32", "avx512"), "");
  EXPECT_NE(rewrites("f32", "avx512-vnni"), "");
  EXPECT_EQ(rewrites("i8", "avx512-vnni"), "") << "there its dot products are others";
  EXPECT_NE(rewrites("f32", "avx512-bf16"), "");
  EXPECT_EQ(rewrites("i8", "avx512-bf16"), "");
  database.set(nest_key(kernel("i8")), "avx512-vnni", "vectorise i by 16, 1; parallel points by 64");
  EXPECT_NE(rewrites("i8", "avx512-bf16"), "") << "these two have the same";
  EXPECT_EQ(rewrites("f32", "avx2"), "");
}

TEST(ErrorMessages, E0326NamesTheLineAndWhatStandsThere) {
  const auto refusal = [](const std::string& text) {
    const std::string message = message_of([&] { ScheduleDatabase::parse(text, "t"); });
    return message.substr(0, message.find('\n'));
  };
  const std::string head = fmt::format("schedule {} avx2\n", kKey);
  EXPECT_EQ(
      message_of([&] { ScheduleDatabase::parse("# none\n  pack columns\n" + head, "t"); }),
      "error[E0326]: t, line 2: rewrites stand before the first `schedule NEST TARGET`: `pack`\nhint: an entry is "
      "`schedule NEST TARGET`, as strata explain prints it, and the rewrites below it");
  EXPECT_EQ(refusal("schedule 12ab avx2\n"),
            "error[E0326]: t, line 1: a nest is 32 digits of 0-9 and a-f, found `12ab`");
  EXPECT_TRUE(
      refusal(fmt::format("schedule {} avx9\n", kKey)).starts_with("error[E0326]: t, line 1: the targets are "));
  EXPECT_EQ(refusal(fmt::format("schedule {} avx2 x\n", kKey)), "error[E0326]: t, line 1: after the target stands `x`");
  EXPECT_EQ(refusal(fmt::format("schedule {} avx2 on\n", kKey)),
            "error[E0326]: t, line 1: behind `on` stands a machine");
  EXPECT_EQ(refusal("strata schedules 3\n"),
            "error[E0326]: t, line 1: it has version 3, and this program reads 1 to 2");
  EXPECT_EQ(refusal("strata program\n"),
            "error[E0326]: t, line 1: the first line of a file of schedules is `strata schedules VERSION`");
  EXPECT_EQ(refusal(head + "measured 3 us\n"),
            "error[E0326]: t, line 2: expected `measured N us, heuristic N us, threads N, trials N`, found `measured 3 "
            "us`");
  EXPECT_EQ(refusal(head), "error[E0326]: t, line 1: the schedule at t, line 1 has no rewrites");
  EXPECT_EQ(refusal(head + "pack columns\n" + head + "pack columns"),
            "error[E0326]: t, line 3: this nest has a schedule for avx2 at t, line 1");
  EXPECT_EQ(message_of([&] { ScheduleDatabase::parse(head + "pack columns by x", "t"); }),
            "error[E0316]: `pack columns by x`: expected a number of at most 16777216, found `x`\nnote: in t, line "
            "1\nhint: a rewrite is a verb and what it is done to, such as `tile rows by 8, columns by 32`");
  EXPECT_TRUE(message_of([&] {
                ScheduleDatabase::read("/no/such.schedules");
              }).starts_with("error[E0326]: /no/such.schedules: the file can't be read"));
}

TEST(ScheduleSource, AKernelHasTheTunedScheduleAndIsKnownByIt) {
  const NoDiskCache no_cache;
  const auto graph = pointwise(0.5);
  const auto source = tuned(*graph, "vectorise i0i1 by 8, 1\nparallel points by 24");
  const KernelExplanation chosen = only_kernel(*graph), found = only_kernel(*graph, source);
  EXPECT_EQ(chosen.source, "heuristic");
  EXPECT_EQ(found.source, "tuned.schedules, line 1");
  EXPECT_EQ(found.nest, chosen.nest);
  EXPECT_EQ(joined(found.notes), "# join i0, i1; vectorise i0i1 by 8, 1; parallel points by 24");
  EXPECT_NE(found.name, chosen.name) << "the text is a part of the kernel's identity";
  const auto plain = compile(graph, {.target = &llvm_target_for(kLevel)}),
             by_source = compile(graph, {.target = &llvm_target_for(kLevel), .schedules = source});
  EXPECT_EQ(plain->plan().kernels.at(0), chosen.name);
  EXPECT_EQ(by_source->plan().kernels.at(0), found.name);
  EXPECT_TRUE(by_source->run(arguments()).at(0).same_bits(plain->run(arguments()).at(0)));
  const auto other = tuned(*graph, "vectorise i0i1 by 4, 1\nparallel points by 24");
  EXPECT_NE(only_kernel(*graph, other).name, found.name);
}

TEST(ScheduleSource, WhatExplainWritesIsTakenAgain) {
  const auto graph = pointwise(0.5);
  const auto written =
      std::make_shared<const ScheduleDatabase>(schedules_of(explain(*graph, {.target = &llvm_target_for(kLevel)})));
  ASSERT_EQ(written->size(), 1u);
  const KernelExplanation chosen = only_kernel(*graph), again = only_kernel(*graph, written);
  EXPECT_EQ(again.source, "a database in memory");
  EXPECT_EQ(again.notes, chosen.notes);
}

TEST(ScheduleSource, TheEnvironmentNamesADatabase) {
  const auto graph = pointwise(0.25);
  const base::TempFolder folder;
  const std::string path = folder.path() + "/tuned.schedules";
  tuned(*graph, "vectorise i0i1 by 2, 1\nparallel points by 10")->write(path);
  setenv("STRATA_SCHEDULES", path.c_str(), 1);
  EXPECT_EQ(only_kernel(*graph).source, path + ", line 2");
  setenv("STRATA_SCHEDULES", "/no/such.schedules", 1);
  EXPECT_TRUE(message_of([&] { compile(graph, {.target = &llvm_target_for(kLevel)}); }).starts_with("error[E0326]"));
  unsetenv("STRATA_SCHEDULES");
  EXPECT_EQ(only_kernel(*graph).source, "heuristic");
}

TEST(ScheduleSource, AnEntryThatDoesNotFitIsNotedAndTheHeuristicChooses) {
  const NoDiskCache no_cache;
  const auto graph = pointwise(0.75);
  const auto source = tuned(*graph, "vectorise k by 8, 1\nparallel points by 24");
  const KernelExplanation chosen = only_kernel(*graph), found = only_kernel(*graph, source);
  EXPECT_EQ(found.source, "heuristic");
  EXPECT_EQ(joined(found.notes),
            "# the schedule at tuned.schedules, line 1 does not fit: the nest has no loop k; it has i0i1; " +
                joined(chosen.notes));
  EXPECT_EQ(found.scheduled.substr(found.scheduled.find('{')), chosen.scheduled.substr(chosen.scheduled.find('{')));
  testing::internal::CaptureStderr();
  const auto program = compile(graph, {.target = &llvm_target_for(kLevel), .schedules = source});
  compile(graph, {.target = &llvm_target_for(kLevel), .schedules = source});
  const std::string log = testing::internal::GetCapturedStderr();
  const std::string said = "the schedule at tuned.schedules, line 1 does not fit: the nest has no loop k; it has i0i1";
  EXPECT_NE(log.find(said), std::string::npos) << log;
  EXPECT_EQ(log.find(said), log.rfind(said)) << "once per process: " << log;
  EXPECT_TRUE(program->run(arguments())
                  .at(0)
                  .same_bits(compile(graph, {.target = &llvm_target_for(kLevel)})->run(arguments()).at(0)));
}

TEST(ScheduleSource, InStrictModeAnEntryThatDoesNotFitIsAnError) {
  const auto graph = pointwise(0.75);
  const auto source = tuned(*graph, "vectorise k by 8, 1\nparallel points by 24");
  const std::string message =
      message_of([&] { compile(graph, {.target = &llvm_target_for(kLevel), .schedules = source, .is_strict = true}); });
  EXPECT_TRUE(message.starts_with("error[E0317]: the nest has no loop k; it has i0i1\n")) << message;
}

TEST(ErrorMessages, E0317NamesTheNestAndTheText) {
  const auto graph = pointwise(0.5);
  const auto source = std::make_shared<const GivenSchedule>("vectorise k by 8, 1; parallel points by 24");
  const std::string message =
      message_of([&] { compile(graph, {.target = &llvm_target_for(kLevel), .schedules = source}); });
  EXPECT_TRUE(message.starts_with(
      "error[E0317]: the nest has no loop k; it has i0i1\nnote: the schedule: vectorise k by 8, 1; parallel points by "
      "24\nnote: its nest: " +
      only_kernel(*graph).nest.hex() + ", kernel fusion."))
      << message;
}

TEST(AsWritten, AKernelSaysSoOnceOnTheLogAndAlwaysInExplain) {
  const base::TempFolder folder;
  setenv("STRATA_CACHE", folder.path().c_str(), 1);
  auto graph = std::make_shared<Graph>("sorting");
  graph->set_results({ops::sort(graph->add_parameter(ir::Type::of(ir::DType::f32, {11})), 0)});
  base::set_log_level(base::LogLevel::Info);
  testing::internal::CaptureStderr();
  compile(graph, {.target = &llvm_target_for(kLevel)});
  compile(graph, {.target = &llvm_target_for(kLevel)});
  const std::string log = testing::internal::GetCapturedStderr();
  base::set_log_level(base::LogLevel::Warn);
  unsetenv("STRATA_CACHE");
  const std::string said = "runs as written, in scalar code: it branches on data";
  EXPECT_NE(log.find(said), std::string::npos) << log;
  EXPECT_EQ(log.find(said), log.rfind(said)) << log;
  EXPECT_EQ(joined(only_kernel(*graph).notes), "# left as written: it branches on data");
}

}  // namespace
}  // namespace strata::compiler
