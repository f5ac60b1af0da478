#include "strata/compiler/tune/space.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "strata/base/error/error.h"
#include "strata/compiler/loop/schedule.h"

namespace strata::compiler::tune {

namespace {

constexpr int kDraws = 8;  // until a legal one is found
constexpr int64_t kWidest = 64;

Rewrite* find(std::vector<Rewrite>& rewrites, std::string_view verb) {
  const auto found = std::ranges::find(rewrites, verb, &Rewrite::verb);
  return found == rewrites.end() ? nullptr : &*found;
}

Rewrite::Part* find(std::vector<Rewrite>& rewrites, std::string_view verb, std::string_view what) {
  for (Rewrite& rewrite : rewrites)
    if (rewrite.verb == verb)
      for (Rewrite::Part& part : rewrite.parts)
        if (part.what == what) return &part;
  return nullptr;
}

/// What has to be a multiple of what (schedule_kinds.h), in an order in which one pass puts all right.
struct Multiple {
  std::string_view verb, what, of_verb, of_what;
};
constexpr Multiple kMultiples[] = {
    {"tile", "columns", "vectorise", "columns"}, {"tile", "strip", "vectorise", "strip"},
    {"block", "rows", "tile", "rows"},           {"parallel", "rows", "tile", "rows"},
    {"parallel", "columns", "tile", "columns"},  {"parallel", "strip", "tile", "strip"},
};

void put_right(std::vector<Rewrite>& rewrites) {
  for (const Multiple& m : kMultiples) {
    Rewrite::Part* number = find(rewrites, m.verb, m.what);
    const Rewrite::Part* of = find(rewrites, m.of_verb, m.of_what);
    if (!number || !of || number->numbers.size() != 1 || of->numbers.size() != 1) continue;
    const int64_t unit = std::max<int64_t>(1, of->numbers[0]);
    number->numbers[0] = (number->numbers[0] + unit - 1) / unit * unit;
  }
}

/// The step in which a number can go up and down.
int64_t unit_of(std::vector<Rewrite>& rewrites, const std::string& verb, const std::string& what) {
  for (const Multiple& m : kMultiples)
    if (m.verb == verb && m.what == what)
      if (const Rewrite::Part* of = find(rewrites, m.of_verb, m.of_what); of && of->numbers.size() == 1)
        return std::max<int64_t>(1, of->numbers[0]);
  return 1;
}

/// Widths of vectors, widest first: a power of two and then 1, or all powers down to a lower one between them.
std::vector<int64_t> drawn_widths(base::SplitMix64& random) {
  int64_t width = int64_t{1} << random.below(7);
  std::vector<int64_t> widths;
  const int64_t lowest = random.below(2) ? width : int64_t{2} << random.below(4);
  for (; width > 1; width /= 2) {
    widths.push_back(width);
    if (width <= lowest) break;
  }
  widths.push_back(1);
  return widths;
}

int64_t changed_number(int64_t number, int64_t unit, base::SplitMix64& random) {
  switch (random.below(5)) {
    case 0:
      return std::min<int64_t>(number * 2, 1 << 24);
    case 1:
      return std::max<int64_t>(1, number / 2);
    case 2:
      return number + unit;
    case 3:
      return std::max<int64_t>(1, number - unit);
    default:
      return std::max<int64_t>(1, std::llround(static_cast<double>(number) * std::exp2(4 * random.unit() - 2)));
  }
}

void change_number(std::vector<Rewrite>& rewrites, base::SplitMix64& random) {
  std::vector<std::pair<Rewrite*, Rewrite::Part*>> all;
  for (Rewrite& rewrite : rewrites)
    for (Rewrite::Part& part : rewrite.parts)
      if (!part.numbers.empty()) all.emplace_back(&rewrite, &part);
  if (all.empty()) return;
  const auto [rewrite, part] = all[random.below(all.size())];
  int64_t& number = part->numbers[0];
  if (part->numbers.size() > 1 || (rewrite->verb == "vectorise" && part->numbers.back() == 1 && part->what != "lanes"))
    part->numbers = drawn_widths(random);
  else if (rewrite->verb == "vectorise")
    number = random.below(2) ? std::min(number * 2, kWidest) : std::max<int64_t>(1, number / 2);
  else if (rewrite->verb == "group")
    number = number == 2 ? 4 : 2;
  else
    number = changed_number(number, unit_of(rewrites, rewrite->verb, part->what), random);
}

/// Adds or takes away what is there or not: `verb what`, before `before` if that stands in the list, else at the end.
void flip(std::vector<Rewrite>& rewrites, std::string_view verb, std::string_view what, std::string_view before = "") {
  Rewrite* rewrite = find(rewrites, verb);
  if (!rewrite) {
    const auto place = std::ranges::find(rewrites, before, &Rewrite::verb);
    rewrites.insert(place, Rewrite{std::string(verb), {{std::string(what), {}}}});
    return;
  }
  const auto part = std::ranges::find(rewrite->parts, what, &Rewrite::Part::what);
  if (part == rewrite->parts.end())
    rewrite->parts.insert(rewrite->parts.begin(), {std::string(what), {}});
  else
    rewrite->parts.erase(part);
  if (rewrite->parts.empty()) rewrites.erase(rewrites.begin() + (rewrite - rewrites.data()));
}

/// Where the columns are read: in panels that are packed, in place, or, where they lie in panels already, from those
/// unpacked. What a nest can't have is refused, and another one is drawn.
void change_columns(std::vector<Rewrite>& rewrites, base::SplitMix64& random) {
  constexpr std::pair<std::string_view, std::string_view> kWays[] = {
      {"pack", "columns"}, {"read", "columns in place"}, {"unpack", "columns"}};
  const auto is_there = [&](const auto& way) { return find(rewrites, way.first, way.second) != nullptr; };
  const auto now = static_cast<size_t>(std::ranges::find_if(kWays, is_there) - std::begin(kWays));
  if (now < std::size(kWays)) flip(rewrites, kWays[now].first, kWays[now].second);
  const auto& [verb, what] = kWays[(now + 1 + random.below(2)) % std::size(kWays)];
  flip(rewrites, verb, what);
}

/// One of the choices without numbers that a product or a window has.
void change_choice(std::vector<Rewrite>& rewrites, base::SplitMix64& random) {
  const bool has_tasks = find(rewrites, "parallel") != nullptr;  // else it is a program of matrices
  if (!find(rewrites, "vectorise", "columns") || !has_tasks) return change_number(rewrites, random);
  const bool is_windowed = find(rewrites, "window") != nullptr;
  switch (is_windowed ? 0 : random.below(3)) {
    case 0:
      return flip(rewrites, "exchange", "rows and columns", "tile");
    case 1:
      return flip(rewrites, "pack", "rows");
    default:
      return change_columns(rewrites, random);
  }
}

bool are_alike(const std::vector<Rewrite>& a, const std::vector<Rewrite>& b) {
  return std::ranges::equal(a, b, [](const Rewrite& x, const Rewrite& y) {
    return x.verb == y.verb && std::ranges::equal(x.parts, y.parts, {}, &Rewrite::Part::what, &Rewrite::Part::what);
  });
}

std::string text_of(const std::vector<Rewrite>& rewrites) {
  std::string text;
  for (const Rewrite& rewrite : rewrites) text += (text.empty() ? "" : "\n") + rewrite.str();
  return text;
}

std::vector<Rewrite> rewrites_in(const ScheduleReport& report) {
  std::string lines;
  for (const std::string& line : report.lines) lines += line + "\n";
  return parse_rewrites(lines);
}

}  // namespace

std::vector<Rewrite> mutated(std::vector<Rewrite> rewrites, base::SplitMix64& random) {
  const uint64_t changes = 1 + random.below(3);
  for (uint64_t i = 0; i < changes; ++i)
    random.below(6) == 0 ? change_choice(rewrites, random) : change_number(rewrites, random);
  put_right(rewrites);
  return rewrites;
}

std::optional<std::vector<Rewrite>> crossed(const std::vector<Rewrite>& a, const std::vector<Rewrite>& b,
                                            base::SplitMix64& random) {
  if (!are_alike(a, b)) return std::nullopt;
  std::vector<Rewrite> made = a;
  for (size_t i = 0; i < made.size(); ++i)
    for (size_t k = 0; k < made[i].parts.size(); ++k)
      if (random.below(2)) made[i].parts[k].numbers = b[i].parts[k].numbers;
  put_right(made);
  return made;
}

ScheduleSpace::ScheduleSpace(NaiveKernel naive, const machine::VectorUnit& vectors, std::vector<int64_t> dims)
    : naive_(std::move(naive)), vectors_(vectors), dims_(std::move(dims)) {}

std::optional<Candidate> ScheduleSpace::varied(uint64_t variation) const {
  ScheduleReport report;
  const ir::loops::Kernel made = schedule(naive_(), vectors_, &report, {.variation = variation});
  if (!report.refusal.empty()) return std::nullopt;
  const std::vector<Rewrite> rewrites = rewrites_in(report);
  if (rewrites.empty()) return std::nullopt;
  return Candidate{text_of(rewrites), features_of(made, dims_)};
}

std::optional<Candidate> ScheduleSpace::heuristic() const { return varied(0); }

std::optional<Candidate> ScheduleSpace::of(const std::string& rewrites, std::string* refusal) const {
  try {
    ScheduleReport report;
    const ir::loops::Kernel made = schedule(naive_(), vectors_, &report, {.rewrites = rewrites, .is_strict = true});
    return Candidate{text_of(rewrites_in(report)), features_of(made, dims_)};
  } catch (const base::Error& error) {
    if (refusal) *refusal = error.message();
    return std::nullopt;
  }
}

std::optional<Candidate> ScheduleSpace::random(base::SplitMix64& random) const {
  for (int draw = 0; draw < kDraws; ++draw) {
    auto made = varied(random.next() | 1);
    if (!made) continue;
    // What the heuristic varies lies near to it: some steps lead further away.
    for (uint64_t steps = random.below(4); steps > 0; --steps)
      if (auto next = of(text_of(mutated(parse_rewrites(made->rewrites), random)))) made = std::move(next);
    return made;
  }
  return std::nullopt;
}

std::optional<Candidate> ScheduleSpace::mutation(const Candidate& parent, base::SplitMix64& random) const {
  for (int draw = 0; draw < kDraws; ++draw) {
    const std::string text = text_of(mutated(parse_rewrites(parent.rewrites), random));
    if (text == parent.rewrites) continue;
    if (auto made = of(text)) return made;
  }
  return std::nullopt;
}

std::optional<Candidate> ScheduleSpace::crossing(const Candidate& a, const Candidate& b,
                                                 base::SplitMix64& random) const {
  const auto child = crossed(parse_rewrites(a.rewrites), parse_rewrites(b.rewrites), random);
  return child ? of(text_of(*child)) : std::nullopt;
}

}  // namespace strata::compiler::tune
