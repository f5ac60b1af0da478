#include "strata/optim/optimiser.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/ops/facets/layout.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/optim/ranges.h"
#include "strata/tensor/control/composite.h"

namespace strata::optim {
namespace {

bool matches_one(std::string_view path, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return path == pattern;
  if (path.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t i = star; i <= path.size(); ++i)
    if (matches_one(path.substr(i), rest)) return true;
  return false;
}

std::string describe(const Common& common) {
  std::string text = fmt::format(" weight_decay={} clip_norm={} commit={}", common.weight_decay, common.clip_norm,
                                 common.commit == Commit::WhenLossIsFinite ? "finite_loss" : "finite_gradients");
  for (const Group& g : common.groups)
    text += fmt::format(" [{} lr_scale={} weight_decay={} frozen={}]", g.pattern, g.lr_scale,
                        g.weight_decay ? fmt::format("{}", *g.weight_decay) : "rule's", g.is_frozen);
  return text;
}

/// What an update computes in, and its slots have: in half floats the mean of squares would vanish (f16), or never move
/// (bf16, where 0.999 of a number is that number), and epsilon would be 0.
DType update_dtype(const Tensor& parameter) { return ops::accumulation_dtype(parameter.dtype()); }

Tensor zero_slot(const Tensor& parameter) {
  std::vector<int64_t> shape;
  for (Dim d : parameter.shape()) shape.push_back(d.constant());
  return Tensor(HostArray(update_dtype(parameter), std::move(shape)));
}

bool is_trained(const Leaf& leaf) {
  return leaf.kind == LeafKind::Parameter && leaf.tensor().defined() && ir::is_float(leaf.tensor().dtype());
}

std::map<std::string_view, const Leaf*> by_path(const Leaves& leaves) {
  std::map<std::string_view, const Leaf*> map;
  for (const Leaf& leaf : leaves.list)
    for (const std::string& path : leaf.paths) map.emplace(path, &leaf);
  return map;
}

/// One parameter's update as a composite of the rule's name; rebinds the slots. The new value is rounded once.
Tensor updated_by(const Rule& rule, const Tensor& value, const Tensor& grad, std::span<Tensor> slots,
                  const Tensor& rate, const Tensor& step, double weight_decay, const Tensor& is_sound) {
  std::vector<ir::Attr> attrs = rule.options();
  attrs.push_back(ir::Attr("weight_decay", weight_decay));
  auto body = [&](const Tensor& x, const Tensor& g, std::vector<Tensor> own, const Tensor& lr, const Tensor& count,
                  const Tensor& sound) {
    const DType t = update_dtype(x);
    ParameterUpdate p{cast(x, t), cast(g, t), own, lr, count, weight_decay, sound};
    const Tensor updated = cast(rule.updated(p), x.dtype());
    return std::pair(updated, std::move(own));
  };
  auto [updated, stored] = composite(rule.name(), attrs, body, value, grad,
                                     std::vector<Tensor>(slots.begin(), slots.end()), rate, step, is_sound);
  std::ranges::move(stored, slots.begin());
  return updated;
}

void check_options(const Rule& rule, const Common& common) {
  base::OptionCheck check(base::code::kOptionOutOfRange, rule.name());
  check.number("lr", common.lr, kLearningRate)
      .number("weight_decay", common.weight_decay, kWeightDecay)
      .number("clip_norm", common.clip_norm, kClipNorm);
  if (common.clip_norm > 0 && common.commit == Commit::WhenLossIsFinite)
    check.refuse("clip_norm", fmt::format("{}", common.clip_norm),
                 "0 with Commit::WhenLossIsFinite, since clipping waits for all gradients");
  rule.check();
  for (const Group& g : common.groups) {
    const std::string name = fmt::format("{}, group \"{}\"", rule.name(), g.pattern);
    const base::OptionCheck of_group(base::code::kOptionOutOfRange, name);
    of_group.number("lr_scale", g.lr_scale, kRateFactor);
    if (g.weight_decay) of_group.number("weight_decay", *g.weight_decay, kWeightDecay);
  }
}

/// The patterns of a list that is separated by blanks.
std::vector<std::string_view> patterns_of(std::string_view list) {
  std::vector<std::string_view> patterns;
  while (!list.empty()) {
    const size_t blank = std::min(list.find(' '), list.size());
    if (blank > 0) patterns.push_back(list.substr(0, blank));
    list.remove_prefix(std::min(blank + 1, list.size()));
  }
  return patterns;
}

[[noreturn]] void refuse_idle_pattern(std::string_view pattern, const Leaves& parameters) {
  std::vector<std::string> paths;
  for (const Leaf& leaf : parameters.list)
    if (is_trained(leaf)) paths.insert(paths.end(), leaf.paths.begin(), leaf.paths.end());
  base::Error error(
      base::code::kEmptyGroup,
      fmt::format("the pattern \"{}\" of a group matches none of the {} parameters", pattern, paths.size()));
  // The stars stand for anything, so the letters between them are what a near path is found by.
  std::string letters(pattern);
  std::erase(letters, '*');
  if (const auto near = base::nearest_name(letters, paths)) error.hint(fmt::format("did you mean {}?", *near));
  const size_t shown = std::min<size_t>(paths.size(), 8);
  error.note(fmt::format("parameters: {}{}", fmt::join(paths.begin(), paths.begin() + shown, ", "),
                         shown < paths.size() ? ", ..." : ""));
  throw error;
}

/// Each pattern of a group's list matches something: one that does not is a slip, whatever the others match.
void require_matches(const Group& group, const Leaves& parameters) {
  const std::vector<std::string_view> patterns = patterns_of(group.pattern);
  if (patterns.empty()) refuse_idle_pattern(group.pattern, parameters);
  for (const std::string_view pattern : patterns) {
    const bool has_match = std::ranges::any_of(parameters.list, [&](const Leaf& leaf) {
      return is_trained(leaf) &&
             std::ranges::any_of(leaf.paths, [&](const std::string& path) { return matches_one(path, pattern); });
    });
    if (!has_match) refuse_idle_pattern(pattern, parameters);
  }
}

/// The group of each leaf, or null.
std::vector<const Group*> groups_of(std::span<const Group> groups, const Leaves& parameters) {
  std::vector<const Group*> chosen(parameters.list.size(), nullptr);
  for (const Group& group : groups) {
    require_matches(group, parameters);
    for (size_t i = 0; i < parameters.list.size(); ++i) {
      const Leaf& leaf = parameters.list[i];
      if (!group.matches(leaf)) continue;
      if (chosen[i])
        throw base::Error(base::code::kTwoGroups, fmt::format("the parameter {} is in two groups: \"{}\" and \"{}\"",
                                                              leaf.paths[0], chosen[i]->pattern, group.pattern))
            .hint("patterns of groups share no parameter; name what remains, or give one group both patterns");
      chosen[i] = &group;
    }
  }
  return chosen;
}

}  // namespace

bool Group::matches(const Leaf& leaf) const {
  return is_trained(leaf) &&
         std::ranges::any_of(leaf.paths, [&](const std::string& path) { return matches_pattern(path, pattern); });
}

bool matches_pattern(std::string_view path, std::string_view pattern) {
  return std::ranges::any_of(patterns_of(pattern), [&](std::string_view one) { return matches_one(path, one); });
}

std::string Rule::description() const {
  std::string text(name());
  for (const ir::Attr& option : options()) {
    if (option.kind == ir::AttrKind::Bool)
      text += fmt::format(" {}={}", option.name, option.flag);
    else
      text += fmt::format(" {}={}", option.name, option.real);
  }
  return text;
}

Optimiser::Optimiser(std::shared_ptr<const Rule> rule, Common common, const Leaves& parameters, Source at)
    : rule_(std::move(rule)),
      common_(std::move(common)),
      description_(rule_->description() + describe(common_)),
      step_(Tensor::scalar(0, DType::i64)) {
  ops::noting_line(at, [&] {
    check_options(*rule_, common_);
    const std::vector<const Group*> groups = groups_of(common_.groups, parameters);
    for (size_t i = 0; i < parameters.list.size(); ++i)
      if (is_trained(parameters.list[i])) make_slots(parameters.list[i], groups[i]);
  });
  set_lr(common_.lr, at);
  grad_norm_ = Tensor::scalar(0);
}

void Optimiser::make_slots(const Leaf& leaf, const Group* group) {
  if (group && group->is_frozen) return;
  Slots slots{.path = leaf.paths[0], .weight_decay = common_.weight_decay};
  if (group) {
    slots.lr_scale = group->lr_scale;
    slots.weight_decay = group->weight_decay.value_or(common_.weight_decay);
  }
  for (std::string_view name : rule_->slot_names()) {
    slots.names.push_back(std::string(name) + "." + slots.path);
    slots.tensors.push_back(zero_slot(leaf.tensor()));
  }
  slots_.push_back(std::move(slots));
}

void Optimiser::set_lr(double lr, Source at) {
  ops::noting_line(at, [&] {
    base::OptionCheck(base::code::kOptionOutOfRange, rule_ ? rule_->name() : "optimiser")
        .number("lr", lr, kLearningRate);
  });
  lr_ = Tensor::scalar(lr, DType::f64);
}

void require_clip_norm(double most, Source at) {
  ops::noting_line(at, [&] {
    base::OptionCheck(base::code::kOptionOutOfRange, "clip_by_global_norm")
        .number("most", most, base::Bounds::above(0));
  });
}

namespace {

bool has_elements(const Tensor& x) { return !(x.type().elements() == Dim(0)); }
bool is_f64(const Leaf& leaf) { return leaf.tensor().defined() && leaf.tensor().dtype() == DType::f64; }

/// The norm in f64, where squares of all smaller floats have room. Those of f64 leaves are divided by the largest
/// element first.
Tensor wide_norm(const Leaves& leaves, Source at) {
  Tensor largest, total;
  for (const Leaf& leaf : leaves.list) {
    if (!is_f64(leaf) || !has_elements(leaf.tensor())) continue;
    const Tensor here = max(abs(leaf.tensor(), at), {}, ops::Keep::Drop, at);
    largest = largest.defined() ? maximum(largest, here) : here;
  }
  if (largest.defined()) largest = select(largest > 0, largest, 1.0);
  for (const Leaf& leaf : leaves.list) {
    if (!leaf.tensor().defined()) continue;
    Tensor x = cast(leaf.tensor(), DType::f64, at);
    if (largest.defined()) x = x / largest;
    const Tensor squares = sum(square(x, at), {}, ops::Keep::Drop, at);
    total = total.defined() ? total + squares : squares;
  }
  if (!total.defined()) return Tensor::scalar(0, DType::f64);
  return largest.defined() ? sqrt(total, at) * largest : sqrt(total, at);
}

/// What gradients are multiplied by, as two factors of f64: a single one may be below what an f32 can hold.
struct ClipFactor {
  Tensor first, rest;
};

ClipFactor clip_factor(const Tensor& norm, double most) {
  constexpr double kSmall = 0x1p-100;
  const Tensor factor = minimum(most / (norm + 1e-6), 1.0);
  const Tensor first = select(factor < kSmall, full_like(factor, kSmall), 1.0);
  return {first, factor / first};
}

/// Half floats are scaled in f32 and rounded once: the factor need not be one of theirs.
Tensor scaled(const Tensor& grad, const ClipFactor& factor, Source at) {
  const DType wide = grad.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor x = cast(grad, wide, at) * cast(factor.first, wide) * cast(factor.rest, wide);
  return cast(x, grad.dtype(), at);
}

/// As it is shown.
Tensor narrowed(const Tensor& norm, const Leaves& leaves) {
  return std::any_of(leaves.list.begin(), leaves.list.end(), is_f64) ? norm : cast(norm, DType::f32);
}

}  // namespace

Tensor global_norm(const Leaves& leaves, Source at) { return narrowed(wide_norm(leaves, at), leaves); }

Tensor clip_leaves(const Leaves& leaves, double most, Source at) {
  const Tensor norm = wide_norm(leaves, at);
  const ClipFactor factor = clip_factor(norm, most);
  for (const Leaf& leaf : leaves.list)
    if (leaf.tensor().defined()) leaf.assign(scaled(leaf.tensor(), factor, at));
  return narrowed(norm, leaves);
}

void Optimiser::require_fit(const Slots& slots, const Tensor& value, const Tensor& grad) const {
  for (const Tensor& slot : slots.tensors)
    if (!(slot.type() == value.type().with_dtype(update_dtype(value))))
      throw base::Error(base::code::kForeignOptimiserState,
                        fmt::format("the parameter {} is {}, the optimiser was started for one of {}", slots.path,
                                    value.type().str(), slot.type().str()))
          .hint("start another optimiser for this model");
  if (!(grad.type() == value.type()) && !(grad.type() == value.type().with_dtype(update_dtype(value))))
    throw base::Error(base::code::kGradientType, fmt::format("the gradient of {} is {}, the parameter {}", slots.path,
                                                             grad.type().str(), value.type().str()));
}

Tensor Optimiser::update_leaves(const Leaves& parameters, const Leaves& grads, const Tensor& loss, Source at) {
  const LineScope scope(at);
  return ops::noting_line(at, [&] { return committed(parameters, grads, loss); });
}

void Optimiser::require_loss(const Tensor& loss) const {
  if (common_.commit == Commit::WhenLossIsFinite && !loss.defined())
    base::OptionCheck(base::code::kOptionOutOfRange, rule_->name())
        .refuse("loss", "not given", "the loss of the step, which Commit::WhenLossIsFinite looks at");
}

Tensor Optimiser::soundness(const Tensor& norm, const Tensor& loss) const {
  Tensor is_sound = (lr_ >= kLearningRate.low) & (lr_ <= kLearningRate.high);  // false of NaN
  if (norm.defined()) is_sound = is_finite(norm) & is_sound;
  if (loss.defined()) is_sound = is_sound & is_finite(loss);
  return is_sound;
}

Tensor Optimiser::committed(const Leaves& parameters, const Leaves& grads, const Tensor& loss) {
  if (!rule_)
    throw base::Error(base::code::kOptimiserNotStarted, "an optimiser is used that was never started")
        .hint("make one with optim::Sgd{...}.start(model) or another rule");
  require_loss(loss);
  const auto parameter_at = by_path(parameters), grad_at = by_path(grads);
  const Tensor norm = common_.commit == Commit::WhenGradientsAreFinite ? wide_norm(grads, Source::here()) : Tensor();
  const Tensor is_sound = soundness(norm, loss);
  const Tensor next_step = step_ + 1, count = cast(next_step, DType::f64);
  const bool is_clipped = common_.clip_norm > 0;
  const ClipFactor factor = is_clipped ? clip_factor(norm, common_.clip_norm) : ClipFactor{};

  struct Change {
    Slots* slots;
    const Leaf* parameter;
    Tensor value;
    std::vector<Tensor> stored;
  };
  std::vector<Change> changes;  // rebound when nothing can throw any more: a refused update leaves all as it was
  changes.reserve(slots_.size());
  for (Slots& slots : slots_) {
    const auto found = parameter_at.find(slots.path), grad_found = grad_at.find(slots.path);
    if (found == parameter_at.end() || grad_found == grad_at.end())
      throw base::Error(base::code::kForeignOptimiserState,
                        fmt::format("the model has no parameter {}, for which the optimiser was started", slots.path));
    const Tensor& value = found->second->tensor();
    Tensor grad = grad_found->second->tensor();
    if (!grad.defined()) continue;
    require_fit(slots, value, grad);
    if (is_clipped) grad = scaled(grad, factor, Source::here());
    const Tensor rate = slots.lr_scale == 1 ? lr_ : lr_ * slots.lr_scale;
    std::vector<Tensor> stored = slots.tensors;
    const Tensor updated = updated_by(*rule_, value, grad, stored, rate, count, slots.weight_decay, is_sound);
    changes.push_back({&slots, found->second, select(is_sound, updated, value), std::move(stored)});
  }
  Tensor step = select(is_sound, next_step, step_);
  Tensor shown = norm.defined() ? select(is_sound, cast(norm, DType::f32), grad_norm_) : grad_norm_;
  for (Change& c : changes) {
    c.parameter->assign(c.value);
    std::ranges::move(c.stored, c.slots->tensors.begin());  // one by one: a tree's places are where its tensors are
  }
  step_ = std::move(step), grad_norm_ = std::move(shown);
  return is_sound;
}

}  // namespace strata::optim
