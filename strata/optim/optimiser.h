// Optimisers: what turns gradients into updates of parameters.
//
//   auto adam = optim::AdamW{.lr = 1e-3, .clip_norm = 1}.start(model);      // rules.h
//   ...
//   auto [loss, grads] = value_and_grad(...);
//   adam.update(model, grads);                                              // inside jit: both are in-out
//
// The state (step, learning rate, and the rule's slots for each parameter) is a tree of tensors: it is saved with the
// model, is an argument of the jitted step, and another learning rate does not record again. Everything else of a rule
// is static.
//
// An update commits only when it is sound: if the norm of all gradients (or the loss, where it is given) is not finite,
// then parameters, slots and step keep their values, and update() returns false. So all gradients are held until the
// last one is there. Whoever lacks the memory for that says Commit::WhenLossIsFinite.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/tensor/tree/tree.h"

namespace strata::optim {

/// What differs for the parameters whose path matches: `*` stands for any characters, several patterns are separated by
/// blanks. A tied parameter matches by any of its paths.
///   .groups = {{.pattern = "*.bias *norm*", .weight_decay = 0}, {.pattern = "embedding.*", .is_frozen = true}}
/// A pattern that no parameter matches is a slip, also beside others that match (E0761), and so is a parameter that
/// two groups match (E0762).
struct Group {
  std::string pattern;
  double lr_scale = 1;
  std::optional<double> weight_decay = std::nullopt;  ///< the rule's, if not given
  bool is_frozen = false;

  /// Whether the leaf is a parameter of floats, which alone are trained, and one of its paths matches.
  bool matches(const Leaf& leaf) const;
};
bool matches_pattern(std::string_view path, std::string_view pattern);

/// One parameter in one update, and the scalars of the step. Half floats come as f32; the new value is rounded to the
/// parameter's dtype once, behind the rule.
struct ParameterUpdate {
  Tensor value, grad;
  std::span<Tensor> slots;
  Tensor lr;    ///< f64 scalar, the group's scale included
  Tensor step;  ///< f64 scalar: this is update number `step`, from 1
  double weight_decay;
  Tensor is_sound;  ///< bool scalar

  /// A scalar that was computed in f64, in the dtype of the update.
  Tensor scalar(const Tensor& x) const { return cast(x, value.dtype()); }
  /// Rebinds a slot, if the step is sound, and gives it back. The value is computed from what is stored, so that both
  /// share a kernel.
  Tensor store(size_t slot, const Tensor& x) { return slots[slot] = select(is_sound, x, slots[slot]); }
};

/// How one parameter is updated. Implementations are immutable and stand in rules.cpp.
class Rule {
 public:
  virtual ~Rule() = default;
  /// Names of the state tensors per parameter, each of the parameter's type (f32 for half floats) and zero at first.
  virtual std::vector<std::string_view> slot_names() const = 0;
  /// The new value.
  virtual Tensor updated(ParameterUpdate& p) const = 0;
  /// "adam", ...: an update is recorded as a composite of this name, with the options as attributes. Its operands are
  /// value, gradient, slots, learning rate, step and whether the step is sound; its results the new value and slots.
  virtual std::string_view name() const = 0;
  virtual std::vector<ir::Attr> options() const = 0;
  /// Refuses options that are out of their bounds (E0760).
  virtual void check() const = 0;
  /// Everything static, as text: part of a jitted program's identity.
  std::string description() const;
};

/// What an update waits for. The learning rate is looked at in any case, and the bits of a committed update are the
/// same.
enum class Commit {
  /// The norm of all gradients is finite, and the loss where it is given.
  WhenGradientsAreFinite,
  /// The loss is finite, which update() must be given. Each parameter is updated as soon as its gradient is there, and
  /// the gradient dies; one that is not finite goes into its parameter. No norm is computed: clip_norm, which waits for
  /// all gradients, is refused beside it (E0760), and grad_norm() stays 0.
  WhenLossIsFinite,
};

/// Options that all rules share.
struct Common {
  double lr = 0;
  double weight_decay = 0;
  double clip_norm = 0;  ///< gradients are scaled down to this global norm; 0: not
  std::vector<Group> groups;
  Commit commit = Commit::WhenGradientsAreFinite;
};

class Optimiser {
 public:
  Optimiser() = default;
  /// E0760, E0761, E0762.
  Optimiser(std::shared_ptr<const Rule> rule, Common common, const Leaves& parameters, Source at = Source::here());

  /// Rebinds the parameters of `model` (and this state), or nothing where it throws; the model must have the structure
  /// that start() saw. By the gradients in a tree like it (or with undefined tensors for parameters to leave alone).
  /// Returns whether the step was committed, a bool scalar. `loss`: of the step, a scalar; E0760 where the commit needs
  /// it and it is not given.
  template <class Model>
  Tensor update(Model& model, const Model& grads, const Tensor& loss = {}, Source at = Source::here()) {
    Model copy = grads;
    return update_leaves(leaves_of(model), leaves_of(copy), loss, at);
  }
  Tensor update_leaves(const Leaves& parameters, const Leaves& grads, const Tensor& loss, Source at);

  /// E0760 outside of kLearningRate (ranges.h).
  void set_lr(double lr, Source at = Source::here());
  double lr() const { return lr_.item(); }
  void set_lr(const Tensor& lr) { lr_ = cast(lr, DType::f64); }  ///< computed by the program
  /// Updates that were committed, an i64 scalar.
  const Tensor& step() const { return step_; }
  /// The norm of all gradients of the last committed update before clipping, an f32 scalar: to show. 0 before the
  /// first, and with Commit::WhenLossIsFinite.
  const Tensor& grad_norm() const { return grad_norm_; }

  template <class V>
  void visit_fields(V&& visitor) {
    visit(*this, visitor);
  }
  template <class V>
  void visit_fields(V&& visitor) const {
    visit(*this, visitor);
  }

 private:
  struct Slots {
    std::string path;  ///< of the parameter
    std::vector<Tensor> tensors;
    std::vector<std::string> names;  ///< "first_moment.hidden.weight"
    double lr_scale = 1, weight_decay = 0;
  };
  void make_slots(const Leaf& leaf, const Group* group);
  /// E0511 and E0512.
  void require_fit(const Slots& slots, const Tensor& value, const Tensor& grad) const;
  void require_loss(const Tensor& loss) const;
  /// What an update waits for: a bool scalar. `norm`: of the gradients; undefined where it is not looked at.
  Tensor soundness(const Tensor& norm, const Tensor& loss) const;
  Tensor committed(const Leaves& parameters, const Leaves& grads, const Tensor& loss);
  template <class Self, class V>
  static void visit(Self& self, V& visitor) {
    visitor("step", self.step_);
    visitor("lr", self.lr_);
    visitor("grad_norm", self.grad_norm_);
    for (auto& slots : self.slots_)
      for (size_t i = 0; i < slots.tensors.size(); ++i) visitor(slots.names[i], slots.tensors[i]);
    visitor("rule", self.description_);
  }

  std::shared_ptr<const Rule> rule_;
  Common common_;
  std::string description_;
  Tensor step_, lr_, grad_norm_;
  std::vector<Slots> slots_;
};

/// sqrt of the sum of squares of all defined leaves: in f32, in f64 where a leaf is f64. No square overflows or is
/// lost: it is finite where its value and all elements are.
Tensor global_norm(const Leaves& leaves, Source at = Source::here());
/// Scales each defined leaf by min(1, most / norm), and gives the norm before.
Tensor clip_leaves(const Leaves& leaves, double most, Source at = Source::here());

/// E0760 unless `most` is above 0.
void require_clip_norm(double most, Source at);

/// The tree scaled by min(1, most / norm), and the norm before.
template <class Tree>
std::pair<Tree, Tensor> clip_by_global_norm(const Tree& grads, double most, Source at = Source::here()) {
  require_clip_norm(most, at);
  Tree clipped = grads;
  Tensor norm = clip_leaves(leaves_of(clipped), most, at);
  return {std::move(clipped), std::move(norm)};
}

}  // namespace strata::optim
