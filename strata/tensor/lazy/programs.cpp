#include "strata/tensor/lazy/programs.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/ir/graph/op.h"
#include "strata/runtime/execute/cancel.h"

namespace strata::lazy {
namespace {

/// Of one family. The programs of single sizes and the general one.
constexpr size_t kMostVariants = 8;
/// More kinds than these come from code that is another one each time: it stays with its single ops.
constexpr int kMostCompilations = 12;
/// Two show that a size varies; more show what it follows from.
constexpr size_t kMostSamples = 4;
constexpr size_t kMostReasons = 32;

bool is_pointwise(const ir::Graph& graph) {
  return std::ranges::all_of(graph.nodes(), [](const ir::Node* n) {
    return n->is_parameter() || n->operand_count == 0 || n->op->is_pointwise || n->op->reads_each_once;
  });
}

/// A second sample in which each extent above 1 has another size, those that are equal the same: numbers from which
/// nothing follows by chance.
std::vector<int64_t> other_sizes(const Segment& segment) {
  std::vector<int64_t> sizes = segment.sizes;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const bool is_an_extent = std::ranges::any_of(segment.written, [&](const compiler::WrittenSize& w) {
      return w.is_extent && w.dim == segment.written[i].dim;
    });
    if (is_an_extent && sizes[i] > 1)
      sizes[i] = static_cast<int64_t>(base::combine(base::Hash128{}, static_cast<uint64_t>(sizes[i])).lo >> 36) + 2;
  }
  return sizes;
}

/// "dimension 0 of operand 1 is 32 and was 64"
std::string first_difference(const Segment& segment, const std::vector<int64_t>& before) {
  size_t differs = 0;
  for (size_t i = segment.sizes.size(); i-- > 0;)
    if (segment.sizes[i] != before[i] && (segment.written[i].is_extent || !segment.written[differs].is_extent))
      differs = i;
  return fmt::format("{} is {} and was {}",
                     segment.written[differs].is_extent ? place_of_extent(segment, differs) : "a size of an op",
                     segment.sizes[differs], before[differs]);
}

}  // namespace

std::vector<ir::HostArray> Use::run(std::vector<ir::HostArray>&& arguments) const {
  const size_t given = arguments.size();
  arguments.insert(arguments.end(), numbers.begin(), numbers.end());
  run_count->fetch_add(1, std::memory_order_relaxed);
  try {
    return variant->executable().run(std::move(arguments));
  } catch (...) {
    arguments.resize(std::min(given, arguments.size()));  // as they came: the run has not taken them
    throw;
  }
}

std::optional<Use> Programs::find(base::Hash128 exact) {
  const std::lock_guard hold(lock_);
  const Exact* known = exact_.find(exact);
  if (!known) return std::nullopt;
  return Use{known->variant, {}, known->run_count};
}

Programs::Family& Programs::family_of(const Segment& segment) {
  if (Family* known = families_.find(segment.family)) return *known;
  return families_.keep(segment.family, {.lines = lines_of(*segment.graph),
                                         .nodes = segment.graph->nodes().size(),
                                         .values = segment.values,
                                         .changes = std::vector<bool>(segment.values.size())});
}

/// Notes what differs from the segments before; why the programs that are there don't serve this one.
std::string Programs::learn(Family& family, const Segment& segment) const {
  std::string reason;
  for (size_t i = 0; i < segment.values.size(); ++i) {
    if (family.changes[i] || segment.values[i] == family.values[i]) continue;
    family.changes[i] = true;
    const std::string where = segment.numbers[i]->where.str();
    if (reason.empty()) reason = "a number has changed" + (where.empty() ? "" : ", recorded at " + where);
  }
  const auto known = std::ranges::find(family.samples, segment.sizes);
  if (known != family.samples.end()) {
    std::rotate(known, known + 1, family.samples.end());
    return reason.empty() ? "its first sizes and numbers" : reason;
  }
  if (!family.samples.empty()) reason = first_difference(segment, family.samples.back());
  if (family.samples.size() >= kMostSamples) family.samples.erase(family.samples.begin() + 1);
  family.samples.push_back(segment.sizes);
  return reason.empty() ? "its first sizes and numbers" : reason;
}

Generality Programs::generality(const Family& family, const Segment& segment) const {
  Generality general{family.changes, {}};
  std::vector<std::vector<int64_t>> samples = family.samples;
  if (guess_ == Guess::AllVary && samples.size() == 1 && is_pointwise(*segment.graph))
    samples.insert(samples.begin(), other_sizes(segment));
  if (samples.size() > 1 && family.refusal.empty()) {
    general.sizes = compiler::symbolic_sizes(segment.written, samples);
  } else {
    for (const compiler::WrittenSize& w : segment.written) general.sizes.push_back(w.dim);
  }
  return general;
}

Use Programs::use(const Family& family, std::shared_ptr<const Variant> variant, const Segment& segment,
                  base::Hash128 exact) {
  Use use{std::move(variant), {}, family.run_count};
  use.variant->add_numbers(segment, use.numbers);
  if (use.numbers.empty()) exact_.keep(exact, {use.variant, family.run_count});
  return use;
}

std::variant<Use, Missing> Programs::look_up(const Segment& segment, base::Hash128 exact) {
  const std::lock_guard hold(lock_);
  Family& family = family_of(segment);
  ++family.seen;
  for (const auto& variant : family.variants)
    if (variant->fits(segment)) return use(family, variant, segment, exact);
  const std::string reason = learn(family, segment);
  Missing missing{family.seen, true, generality(family, segment)};
  missing.may_compile = !family.is_under_way && family.failure.empty() && family.compilations < kMostCompilations;
  if (family.compilations == std::ssize(family.reasons) && family.reasons.size() < kMostReasons)
    family.reasons.push_back(reason);
  return missing;
}

bool Programs::claim(const Segment& segment) {
  const std::lock_guard hold(lock_);
  return !std::exchange(family_of(segment).is_under_way, true);
}

void Programs::release(const Segment& segment) {
  const std::lock_guard hold(lock_);
  family_of(segment).is_under_way = false;
}

void Programs::note_pieces(const Segment& segment) {
  const std::lock_guard hold(lock_);
  ++family_of(segment).piece_runs;
}

Use Programs::compile(const Segment& segment, base::Hash128 exact, Missing missing,
                      const std::vector<ir::Donation>& donations) {
  std::string refusal;
  std::shared_ptr<const Variant> variant;
  const auto compiled = [&](const Generality& general) {
    return std::make_shared<const Variant>(segment, general, donations);
  };
  try {
    const bool is_general = std::ranges::any_of(missing.wanted.sizes, [](ir::Dim d) { return !d.is_constant(); });
    try {
      variant = compiled(missing.wanted);
    } catch (const base::Error& error) {
      if (!is_general || error.kind() != base::ErrorKind::User || runtime::CancelScope::is_cancelled()) throw;
      refusal = error.message();
      for (size_t i = 0; i < segment.written.size(); ++i) missing.wanted.sizes[i] = segment.written[i].dim;
      variant = compiled(missing.wanted);
    }
  } catch (const std::exception& error) {
    const std::lock_guard hold(lock_);
    Family& family = family_of(segment);
    family.is_under_way = false;
    if (!runtime::CancelScope::is_cancelled()) family.failure = error.what();
    throw;
  }
  const std::lock_guard hold(lock_);
  Family& family = family_of(segment);
  family.is_under_way = false;
  ++family.compilations;
  if (!refusal.empty()) family.refusal = refusal;
  family.variants.insert(family.variants.begin(), variant);
  if (family.variants.size() > kMostVariants) family.variants.pop_back();
  return use(family, variant, segment, exact);
}

base::Json Programs::json_of(const Family& family) {
  base::Json reasons = base::Json::array(), variants = base::Json::array();
  for (const std::string& reason : family.reasons) reasons.push(reason);
  for (const auto& variant : family.variants) variants.push(variant->explained());
  return base::Json::object()
      .set("lines", family.lines)
      .set("nodes", family.nodes)
      .set("seen", family.seen)
      .set("compiled_runs", family.run_count->load())
      .set("runs_op_by_op", family.piece_runs)
      .set("compilations", family.compilations)
      .set("reasons", std::move(reasons))
      .set("programs", std::move(variants))
      .set("symbols_refused", family.refusal)
      .set("failure", family.failure)
      .set("is_compiling", family.is_under_way)
      .set("is_given_up", !family.failure.empty() || family.compilations >= kMostCompilations);
}

base::Json Programs::json() const {
  const std::lock_guard hold(lock_);
  base::Json list = base::Json::array();
  families_.for_each([&](const Family& family) { list.push(json_of(family)); });
  return list;
}

}  // namespace strata::lazy
