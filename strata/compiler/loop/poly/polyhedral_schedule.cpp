#include "strata/compiler/loop/poly/polyhedral_schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/random/splitmix64.h"
#include "strata/compiler/backends/kernel_work.h"
#include "strata/compiler/check/kernel_run.h"
#include "strata/compiler/loop/poly/write_phases.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler {

using namespace ir::loops;
using namespace poly;

namespace {

constexpr std::string_view kVerb = "poly";
/// Thousands of isl's operations: a minute or so. The largest of the examples takes a hundredth of it.
constexpr int64_t kEffort = 2'000'000;
constexpr int64_t kMostEffort = 16'000'000;

struct Options {
  BandOptions bands;
  WriteOptions write;
  int64_t effort = kEffort;
};

void read_tile(const Rewrite& rewrite, Options& options) {
  for (const Rewrite::Part& part : rewrite.parts) {
    if (part.what != "tile") continue;
    for (const int64_t size : part.numbers)
      if (size < 0 || size > 1 << 20)
        refuse_schedule(
            fmt::format("`poly tile` takes sizes of 1 to {}, or 0 for what is not cut, found {}", 1 << 20, size));
    if (part.numbers.empty()) refuse_schedule("`poly tile` takes the sizes of tiles: `poly tile by 32, 32`");
    options.bands.tile_sizes = part.numbers;
  }
}

Options options_of(const std::vector<Rewrite>& rewrites, const machine::VectorUnit& vectors) {
  Options made;
  made.write.lanes = vectors.lanes(4);
  if (rewrites.size() != 1) refuse_schedule("`poly` stands alone: it is the whole schedule");
  Rewrite rest = rewrites[0];
  read_tile(rest, made);
  std::erase_if(rest.parts, [](const Rewrite::Part& part) { return part.what == "tile"; });
  if (rest.parts.empty()) rest.parts.push_back({"auto", {}});
  RewriteReader reader({rest});
  reader.take("poly", "auto");
  if (reader.take("poly", "apart"))
    made.bands.fusion = Fusion::Apart;
  else
    reader.take("poly", "fuse");
  if (reader.has("poly", "lanes")) made.write.lanes = reader.width("poly", "lanes");
  if (reader.has("poly", "rows")) made.write.registers.rows = reader.number("poly", "rows", 1, 16);
  if (reader.has("poly", "vectors")) made.write.registers.vectors = reader.number("poly", "vectors", 1, 16);
  if (reader.has("poly", "effort")) made.effort = reader.number("poly", "effort", 1, kMostEffort);
  reader.finish();
  made.write.registers.lanes = made.write.lanes;
  return made;
}

// The report.

std::string text_of(const isl::union_map& map) {
  std::string text;
  map.foreach_map([&](const isl::map& one) { text += (text.empty() ? "" : "; ") + readable(one); });
  return text.empty() ? "none" : text;
}

void describe_part(const ControlPart& part, const Dependences& dependences, std::vector<std::string>& lines) {
  for (const Statement& s : part.statements) {
    lines.push_back(fmt::format("{}: {}", s.name, print_head(*s.stmt)));
    lines.push_back(fmt::format("  domain {}", readable(s.domain)));
  }
  lines.push_back(fmt::format("flow {}", text_of(dependences.flow)));
  lines.push_back(fmt::format("anti {}", text_of(dependences.anti)));
  lines.push_back(fmt::format("output {}", text_of(dependences.output)));
}

std::string members_text(const std::vector<size_t>& members) {
  std::vector<std::string> all;
  for (const size_t m : members) all.push_back(fmt::format("b{}", m));
  return fmt::format("{}", fmt::join(all, ", "));
}

void describe_phase(const Phase& phase, size_t number, std::vector<std::string>& lines) {
  lines.push_back(fmt::format("band {}: {}", number, text_of(phase.band)));
  std::vector<std::string> coincident;
  for (size_t m = 0; m < phase.members; ++m)
    if (phase.coincident[m]) coincident.push_back(fmt::format("b{}", m));
  lines.push_back(fmt::format("  no dependence along {}",
                              coincident.empty() ? "none of them" : fmt::format("{}", fmt::join(coincident, ", "))));
  switch (phase.spread) {
    case Spread::Serial:
      lines.emplace_back("  one task: nothing is left that is independent");
      break;
    case Spread::Tasks:
      lines.push_back(fmt::format("  a task is a tile of {}", members_text(phase.outer)));
      break;
    case Spread::Waves:
      lines.push_back(
          fmt::format("  waves: tiles of {} with one sum of their numbers are independent", members_text(phase.outer)));
      break;
  }
  if (phase.overlapped)
    lines.push_back(fmt::format("  tiles of b{} overlap: a task computes once more what it needs of its neighbour",
                                *phase.overlapped));
  if (phase.innermost >= 0)
    lines.push_back(fmt::format("  innermost is b{}: contiguous, and independent", phase.innermost));
  else if (phase.is_slanted)
    lines.push_back(
        fmt::format("  innermost is b{0}, on lines where b{0} + b{1} is the same: independent, not contiguous",
                    phase.members - 2, phase.members - 1));
}

Rewrite chosen(const Options& options, const std::vector<Phase>& phases) {
  Rewrite made{std::string(kVerb), {}};
  // One list for all bands: the longest says all, since choices by band are given by no text.
  if (!options.bands.tile_sizes.empty()) {
    made.parts.push_back({"tile", options.bands.tile_sizes});
  } else if (phases.size() == 1 && phases[0].members > 0) {
    made.parts.push_back({"tile", phases[0].sizes});
  }
  made.parts.push_back({options.bands.fusion == Fusion::Most ? "fuse" : "apart", {}});
  made.parts.push_back({"lanes", {options.write.lanes}});
  made.parts.push_back({"rows", {options.write.registers.rows}});
  made.parts.push_back({"vectors", {options.write.registers.vectors}});
  return made;
}

/// Runs the loops that were made beside those that were given, in the interpreter, on small sizes, or on its own where
/// that is little: guards and steps of loops are not what the dependences prove.
void require_same_values(const Kernel& naive, const Kernel& made) {
  constexpr int64_t kMostWork = 4'000'000;
  constexpr int64_t kSizes[] = {1, 2, 3, 5, 7};
  base::SplitMix64 random(base::mix_bits(1));
  const auto fill = [&](ir::HostArray& a, int64_t i) {
    if (ir::is_float(a.dtype()))
      a.set(i, 2 * random.unit() - 1);
    else
      a.set_int(i, static_cast<int64_t>(random.below(2)));
  };
  for (const int64_t size : kSizes) {
    const std::vector<int64_t> dims(naive.dims.size(), size);
    const KernelWork work = count_work(naive, dims);
    if (work.operations + work.bytes_loaded + work.bytes_stored > kMostWork) return;
    const std::vector<ir::HostArray> buffers = make_buffers(naive, dims, fill);
    KernelRun expected;
    try {
      expected = run_interpreted(naive, dims, buffers);
    } catch (const base::Error&) {
      continue;  // a size that the program does not have
    }
    std::string text = schedule_difference(naive, expected, made, dims, buffers);
    if (text.empty() && expected.status.code == 0) text = dependence_difference(naive, made, dims, buffers);
    if (!text.empty())
      throw base::Error(
          base::code::kPolyhedralLimit,
          fmt::format("the loops that were made for @{} don't do what the program does at sizes of {}: {}", naive.name,
                      size, text))
          .hint("other tiles, or `poly apart`, have other loops");
    if (dims.empty()) return;
  }
}

}  // namespace

bool is_polyhedral(const std::vector<Rewrite>& rewrites) {
  return std::ranges::any_of(rewrites, [](const Rewrite& rewrite) { return rewrite.verb == kVerb; });
}

PolyhedralKernel schedule_polyhedrally(const Kernel& naive, const std::vector<Rewrite>& rewrites,
                                       const machine::VectorUnit& vectors) {
  const Options options = options_of(rewrites, vectors);
  PolyhedralKernel made{.kernel = naive};
  const IslSession isl(static_cast<uint64_t>(options.effort) * 1000);
  with_isl_errors(isl, fmt::format("at @{}", naive.name), options.effort, [&] {
    const ControlPart part = read_control_part(naive, isl);
    const Dependences dependences = find_dependences(part);
    describe_part(part, dependences, made.remarks);
    std::vector<Phase> phases = find_phases(part, dependences, options.bands, isl);
    made.schedule = chosen(options, phases);
    std::vector<std::string> remarks;
    made.kernel.body = write_phases(naive, part, dependences, phases, options.write, isl, remarks);
    for (size_t p = 0; p < phases.size(); ++p) describe_phase(phases[p], p, made.remarks);
    made.remarks.insert(made.remarks.end(), remarks.begin(), remarks.end());
  });
  require_same_values(naive, made.kernel);
  return made;
}

}  // namespace strata::compiler
