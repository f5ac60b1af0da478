// jit(fn): records the function once per kind of call, compiles it, and runs the compiled program from then on.
//
//   auto step = jit([&](Mlp& m, auto& opt, Tensor x, Tensor y) { ...; return loss; });
//   step(model, adam, x, y);
//
// - Arguments are trees. Tensors that the function rebinds through a reference to a non-const argument become results,
//   donated: the new value takes the old one's memory.
// - Tensors used from outside are captured: hidden inputs, fixed at recording.
// - Dimension 0 of a Tensor argument is symbolic, and so it is in a pair, tuple or array of tensors, and so are the
//   dimensions that JitOptions names: sizes that are equal by chance are no condition. Dimension 0 of a tensor in a
//   struct or a vector becomes symbolic when a call brings another size, unless the function rebinds the tensor; other
//   dimensions are static.
// - What runs without jit runs with it. Where an op's rule can't prove for all sizes what it needs (that two are equal,
//   that one divides), the program assumes it, other calls are served by another recording, and explain() says so;
//   the function is recorded again for that. At worst a dimension is static.
// - Static configuration of trees (numbers, bools, enums) is part of the identity: another value records again, and so
//   does another target.
// - Looking at a value inside is an error that says where. Asking for the size of a symbolic dimension, or comparing
//   two (tensor_dim.h), records a guard: the program serves calls with that answer, and others record again.
// - A call succeeds or changes nothing: when it throws, while it records or while it runs, every argument is bit for
//   bit as it was, donated memory too (docs/decisions/0014). The same holds for a call that is cancelled (cancel.h).
// - Called inside a trace or a derivative, the function becomes part of that program.
// - Several threads may call it: one records while the others wait, and what is recorded runs side by side.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/tensor/tree/tree.h"
#include "strata/transform/with_algorithms.h"

namespace strata::runtime {
class Executable;
}

namespace strata {

/// A dimension of a Tensor argument that is symbolic, by a name of its own: one program serves all its sizes. Equal
/// names are equal sizes, which is checked at each call (E0110), as are the bounds (E0111).
///
///   jit(attend, {.symbolic_dims = {{0, 1, "T"}, {1, 1, "T"}}})        axis 1 of the first two arguments
struct SymbolicDim {
  int argument = 0;  ///< counted from 0 (E0116)
  int axis = 0;      ///< negative counts from the end
  std::string name;
  int64_t lowest = 0, highest = INT64_MAX, multiple = 1;  ///< at least 0, lowest and 1 (E0116)
  std::string leaf;  ///< path of the tensor in an argument that is a tree: "images"; empty: a bare Tensor
};

struct JitOptions {
  std::string name = "jit";
  /// Dimension 0 of Tensor arguments is symbolic.
  bool is_batch_symbolic = true;
  std::vector<SymbolicDim> symbolic_dims;
  /// Records again at each call and compares: finds functions that do not always record the same program, and says
  /// which number changed (E0505).
  bool is_checked = false;
  /// A call takes at most so many bytes: its arguments, new results and all between. Where that is less than the
  /// program would take, kernels run twice instead of keeping what they gave, in the same bits; planned for each set of
  /// sizes at its first call. A budget that can't be kept is refused before anything is allocated, with the tensors
  /// that are live at the peak (E0314); 0, what is negative and more than the machine has when the function is jitted
  /// (E0760).
  ///
  ///   auto step = jit(train_step, {.memory_budget_bytes = int64_t{2} << 30});
  std::optional<int64_t> memory_budget_bytes;
  /// Every float that a call would put into its arguments is looked at first: a NaN or an infinity fails the call
  /// (E0318, with the leaf's path). The new values need memory of their own beside the old ones.
  bool require_finite = false;
  /// A kernel that the compiler leaves as written is an error (E0315).
  bool is_strict = false;
  /// Which of the compiler's schedules, all of which give the same bits; 0: the one known to be best.
  uint64_t schedule_variation = 0;
  /// Arguments, counted from 0, whose tensors stay the same over many calls: the model that serves (E0116). What
  /// depends on them alone (a weight as its products read it) is computed at the first call, and again after they have
  /// changed; it belongs to the tensors, and all jitted functions share it. Tensors that the function rebinds are none.
  ///
  ///   auto serve = jit([](const Gpt& model, Tensor ids) { return model(ids); }, {.constants = {0}});
  std::vector<int> constants;
  /// Algorithms by name for the contractions of the program: they round otherwise, and explain() tells which
  /// contractions they took and why they left the others (transform/with_algorithms.h). Where the call becomes part of
  /// another program, that program's option counts.
  ///
  ///   auto classify = jit(model, {.algorithms = {.conv = ConvAlgorithm::WinogradF4x3}});
  transform::Algorithms algorithms;
  /// Recordings that are kept, with their programs. One more takes the place of the one that was called longest ago,
  /// which is recorded again when it is needed.
  int most_programs = 64;
};

namespace jit_detail {

/// One flattened argument.
struct Argument {
  Leaves leaves;
  bool is_data = false;    ///< tensors alone: their dimension 0 is symbolic
  bool is_in_out = false;  ///< a non-const lvalue: rebound tensors are written back
};

/// A compiled program and how its results go back.
struct Program;
/// The programs that a function has, and which of them serves a call.
class Recordings;

/// The function, for recording it: arguments to work on, made anew, and what it returns for these.
struct Body {
  base::FunctionRef<std::vector<Argument>()> copy_arguments;  ///< in the order of the caller's
  base::FunctionRef<std::vector<base::Hash128>()> shapes;     ///< of their trees, as they are now (shape_of_tree)
  base::FunctionRef<std::vector<Tensor>()> run;
  base::FunctionRef<void(size_t)> keep_result;  ///< of the last run, for the program at this place
  base::FunctionRef<void(size_t)> take_result;  ///< which this call fills: the one kept for the program at this place
};

/// The type-erased half of a jitted function.
class Engine {
 public:
  Engine(JitOptions options, Source at);
  ~Engine();

  /// Records `body` on tensors in place of the arguments' leaves if no program fits, runs the program, writes rebound
  /// tensors back through `caller`, and returns the tensors that the function returned.
  /// Errors that name no line get `at`, where the function was jitted.
  std::vector<Tensor> call(std::span<const Argument> caller, const Body& body, Source at);
  /// Runs the program that fits again and names the first op that makes a NaN or infinity; empty if none does.
  std::string first_non_finite(std::span<const Argument> caller) const;
  int recordings() const;
  int64_t hand_over(std::span<const Argument> caller);
  std::string explain() const;
  std::shared_ptr<const runtime::Executable> last_executable() const;

 private:
  /// What a call runs, and on what.
  struct Ready {
    std::shared_ptr<const Program> program;
    std::vector<ir::HostArray> arguments;
  };
  Ready prepare(std::span<const Argument> caller, const Body& body);
  std::vector<Tensor> call_program(std::span<const Argument> caller, const Body& body);

  const JitOptions options_;
  const std::unique_ptr<Recordings> recordings_;
};

/// Inside another recording that must stay whole (a trace, a derivative) a jitted function records its body in place.
bool is_part_of_a_recording();

/// Runs a function at the end of a scope, unless an exception ends it.
template <class F>
class WriteBack {
 public:
  explicit WriteBack(F f) : f_(std::move(f)), exceptions_(std::uncaught_exceptions()) {}
  ~WriteBack() {
    if (std::uncaught_exceptions() == exceptions_) f_();
  }
  WriteBack(const WriteBack&) = delete;

 private:
  F f_;
  int exceptions_;
};

/// A tensor, or a pair, tuple or array of such: several arguments in one, with the rule of each.
template <class T>
constexpr bool is_data_of() {
  if constexpr (std::is_same_v<T, Tensor>)
    return true;
  else if constexpr (tree_detail::HasFields<T> || !requires { std::tuple_size<T>::value; })
    return false;
  else
    return []<size_t... i>(std::index_sequence<i...>) {
      return (is_data_of<std::remove_cv_t<std::tuple_element_t<i, T>>>() && ...);
    }(std::make_index_sequence<std::tuple_size_v<T>>());
}

/// What a call can't write back: constants, sizes of containers, and which tensors are there at all.
struct TreeShape {
  base::Hash128 hash;
  template <class X>
  void tensor(const std::string& path, LeafKind, X& t) {
    constant(path, t.defined());
  }
  template <class X>
  void constant(const std::string& path, const X& value) {
    LeafCollector one;
    one.constant(path, value);
    hash = base::combine(hash, one.leaves.structure);
  }
};

template <class T>
base::Hash128 shape_of_tree(T& tree) {
  TreeShape shape;
  walk_tree(tree, "", shape);
  return shape.hash;
}

template <class T>
Argument describe(T& tree, bool is_in_out) {
  return {leaves_of(tree), is_data_of<std::remove_cvref_t<T>>(), is_in_out};
}

}  // namespace jit_detail

template <class F>
class Jitted {
 public:
  Jitted(F f, JitOptions options, Source made_at)
      : f_(std::move(f)),
        engine_(std::make_shared<jit_detail::Engine>(std::move(options), made_at)),
        made_at_(made_at) {}

  template <class... Args>
  auto operator()(Args&&... args) {
    return call(made_at_, std::forward<Args>(args)...);
  }

  template <class... Args>
  auto call(Source at, Args&&... args) {
    using Copies = std::tuple<std::remove_cvref_t<Args>...>;
    using Returned = decltype(std::apply([this](auto&... copy) { return f_(copy...); }, std::declval<Copies&>()));
    if (jit_detail::is_part_of_a_recording()) {
      Copies copies(args...);
      const jit_detail::WriteBack back(
          [&] { write_back<Args...>(copies, std::index_sequence_for<Args...>(), args...); });
      return std::apply([this](auto&... copy) { return f_(copy...); }, copies);
    }
    std::vector<jit_detail::Argument> caller;
    caller.reserve(sizeof...(Args));
    (caller.push_back(jit_detail::describe(
         args, std::is_lvalue_reference_v<Args> && !std::is_const_v<std::remove_reference_t<Args>>)),
     ...);
    std::optional<Copies> copies;
    auto copy_arguments = [&] {
      copies.emplace(args...);
      return std::apply(
          [](auto&... copy) { return std::vector<jit_detail::Argument>{jit_detail::describe(copy, true)...}; },
          *copies);
    };
    auto shapes = [&] {
      return std::apply([](auto&... copy) { return std::vector<base::Hash128>{jit_detail::shape_of_tree(copy)...}; },
                        *copies);
    };
    if constexpr (std::is_void_v<Returned>) {
      auto run = [&] {
        std::apply([this](auto&... copy) { f_(copy...); }, *copies);
        return std::vector<Tensor>();
      };
      engine_->call(caller, {copy_arguments, shapes, run, [](size_t) {}, [](size_t) {}}, at);
    } else {
      auto run = [&] {
        Returned result = std::apply([this](auto&... copy) { return f_(copy...); }, *copies);
        std::vector<Tensor> tensors;
        for (const Leaf& leaf : leaves_of(result).list) tensors.push_back(leaf.tensor());
        kept_->pending = std::make_shared<Returned>(std::move(result));
        return tensors;
      };
      auto keep_result = [&](size_t place) {
        if (kept_->by_program.size() <= place) kept_->by_program.resize(place + 1);
        kept_->by_program[place] = std::exchange(kept_->pending, nullptr);
      };
      std::shared_ptr<void> prototype;
      auto take_result = [&](size_t place) { prototype = kept_->by_program[place]; };
      const std::vector<Tensor> tensors =
          engine_->call(caller, {copy_arguments, shapes, run, keep_result, take_result}, at);
      Returned result = *std::static_pointer_cast<Returned>(prototype);
      const Leaves leaves = leaves_of(result);
      for (size_t i = 0; i < leaves.list.size(); ++i) leaves.list[i].assign(tensors[i]);
      return result;
    }
  }

  /// Replays the last call's program on arguments (of which nothing changes) and names the first op that makes a NaN or
  /// an infinity out of finite values, with its position; empty if none does. For steps that commit only finite
  /// results.
  template <class... Args>
  std::string first_non_finite(Args&... args) {
    const std::vector<jit_detail::Argument> caller = {jit_detail::describe(args, false)...};
    return engine_->first_non_finite(caller);
  }

  /// Gives up the elements of the constants' tensors (JitOptions::constants) that the last call's program reads only
  /// in the forms that it prepared: from now on they exist in these alone, and looking at them is an error (E0335), as
  /// is a call that needs another form. Returns the bytes. Takes the arguments of a call; nobody else holds or uses
  /// their tensors meanwhile.
  template <class... Args>
  int64_t hand_over(Args&... args) {
    const std::vector<jit_detail::Argument> caller = {jit_detail::describe(args, false)...};
    return engine_->hand_over(caller);
  }

  /// How many programs were recorded.
  int recordings() const { return engine_->recordings(); }
  /// For each recording that is kept, why it was made, which dimensions are symbolic, what it assumes of their sizes,
  /// and why. All functions of the process: capture_report() (capture/capture.h).
  std::string explain() const { return engine_->explain(); }
  /// The program that the last call of any thread ran.
  std::shared_ptr<const runtime::Executable> executable() const { return engine_->last_executable(); }

 private:
  /// What the function has rebound in arguments that are references to non-const.
  template <class... Args, class Copies, size_t... i>
  static void write_back(Copies& copies, std::index_sequence<i...>, std::remove_reference_t<Args>&... args) {
    auto assign = [](auto& to, auto& from) {
      if constexpr (!std::is_const_v<std::remove_reference_t<decltype(to)>>) to = std::move(from);
    };
    (assign(args, std::get<i>(copies)), ...);
  }

  F f_;
  std::shared_ptr<jit_detail::Engine> engine_;
  Source made_at_;  ///< stands for the line of a call, which can't have a defaulted argument behind `args`
  /// What recordings returned, their tensors ended. Copies of the function share it, as they share the programs.
  struct Kept {
    std::shared_ptr<void> pending;  ///< of the recording under way
    std::vector<std::shared_ptr<void>> by_program;
  };
  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

template <class F>
Jitted<F> jit(F f, JitOptions options = {}, Source at = Source::here()) {
  return ops::noting_line(at, [&] { return Jitted<F>(std::move(f), std::move(options), at); });
}

}  // namespace strata
