// A jitted call succeeds or changes nothing: wherever it ends early, every in-out leaf is bit for bit what it was, in
// the very memory where it was, and the next good call gives what it would have given.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>

#include "strata/base/error/message_of.h"
#include "strata/ops/composites/loss.h"
#include "strata/ops/contraction/dot.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/index/index.h"
#include "strata/ops/reduce/reduce.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/control/control.h"
#include "strata/tensor/jit/cancel.h"
#include "strata/tensor/jit/jit.h"
#include "strata/tensor/transforms/grad.h"
#include "strata/tensor/transforms/vmap.h"

namespace strata {
namespace {

struct State {
  Tensor table, w, m;
  Buffer mean;
  Tensor count;
  STRATA_FIELDS(table, w, m, mean, count)
};

State fresh_state() {
  auto ramp = [](const Shape& shape, double step) {
    Tensor t = reshape(cast(Tensor::arange(shape[0].constant() * shape[1].constant()), DType::f32) * step, shape);
    return t.evaluate();
  };
  State s{ramp({5, 3}, 0.1), ramp({3, 3}, 0.2), ramp({3, 3}, -0.3), Buffer(Tensor::full({3}, 0.5)),
          Tensor::scalar(7, DType::i64)};
  s.mean.evaluate();
  return s;
}

/// New values for every leaf, which the compiler would like to write in place.
void move_on(State& s, const Tensor& x) {
  s.table = s.table * 0.5 + 1;
  s.w = s.w + matmul(transpose(x, {1, 0}), x) * 0.1;
  s.m = s.m * 0.9 + s.w;
  s.mean = Buffer(s.mean * 0.5 + mean(x, {0}));
  s.count = s.count + 1;
}

using Body = std::function<Tensor(State&, Tensor x, Tensor ids)>;
using Around = std::function<void(const std::function<void()>& call)>;

struct Case {
  std::string name, code;  ///< of the error; empty: a std::exception of the user's
  Body body;
  Around bad;  ///< makes the bad call, given one with bad arguments
  JitOptions options = {};
  Tensor x = Tensor::full({4, 3}, 2), ids = Tensor::from({0, 9, 1, 2});  ///< of the bad call
};

const Around kPlain = [](const std::function<void()>& call) { call(); };

/// Standard output is a full device.
const Around kFullDevice = [](const std::function<void()>& call) {
  std::fflush(stdout);
  const int before = dup(1), full = open("/dev/full", O_WRONLY);
  dup2(full, 1);
  auto back = [&] { std::fflush(stdout), dup2(before, 1), close(before), close(full); };
  try {
    call();
  } catch (...) {
    back();
    throw;
  }
  back();
};

const Around kCancelledBefore = [](const std::function<void()>& call) {
  const CancelToken token;
  token.cancel();
  const CancelScope scope(token);
  call();
};

const Around kCancelledInTheMiddle = [](const std::function<void()>& call) {
  const CancelToken token;
  std::thread other([token] {
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    token.cancel();
  });
  const CancelScope scope(token);
  try {
    call();
  } catch (...) {
    other.join();
    throw;
  }
  other.join();
};

/// The bad calls' x is 2 everywhere, the good one's 1.
Tensor is_good(const Tensor& x) { return x < 1.5; }

Tensor row_checks(const Tensor& xs, const char* message) {
  auto [last, ys] = scan(
      [&](const Tensor& sum, const Tensor& row) {
        check(is_good(row), message);
        return std::pair(sum + mean(row), row);
      },
      Tensor::scalar(0), xs);
  return last;
}

std::vector<Case> failing_checks() {
  std::vector<Case> cases;
  auto add = [&](const char* name, Body body) { cases.push_back({name, "E0136", std::move(body), kPlain}); };
  add("a check is the first command", [](State& s, Tensor x, Tensor) {
    check(is_good(x), "good");
    move_on(s, x);
    return sum(x);
  });
  add("a check is written behind the updates", [](State& s, Tensor x, Tensor) {
    move_on(s, x);
    check(is_good(x), "good");
    return sum(x);
  });
  add("a check is between updates", [](State& s, Tensor x, Tensor) {
    s.w = s.w * 2;
    check(is_good(x * 1), "good");
    move_on(s, x);
    return sum(x);
  });
  add("a check looks at a new value", [](State& s, Tensor x, Tensor) {
    move_on(s, x);
    check(s.mean < 1.9, "a small mean");
    return sum(s.w);
  });
  add("a check of each new value, one behind the other", [](State& s, Tensor x, Tensor) {
    s.w = s.w + x[0];
    check(s.w < 1e9, "w");
    s.m = s.m * s.w;
    check(s.m < 1e9, "m");
    s.table = s.table + sum(s.m);
    check(is_good(x), "x");
    return sum(s.table);
  });
  add("a check of a gradient", [](State& s, Tensor x, Tensor) {
    auto [loss, g] = value_and_grad([&](const Tensor& v) { return sum(square(matmul(v, s.w))); }, x);
    move_on(s, x);
    s.mean = Buffer(s.mean + sum(g, {0}));
    check(is_good(x) | (g > 1e9), "a good gradient");
    return loss;
  });
  return cases;
}

std::vector<Case> failing_checks_in_functions() {
  std::vector<Case> cases;
  auto add = [&](const char* name, Body body) { cases.push_back({name, "E0136", std::move(body), kPlain}); };
  add("a check in a scan", [](State& s, Tensor x, Tensor) {
    move_on(s, x);
    return row_checks(x, "rows");
  });
  add("a check in a while loop", [](State& s, Tensor x, Tensor) {
    move_on(s, x);
    const Tensor sum_of_x = sum(x);
    return while_loop([](const Tensor& i) { return i < 5; },
                      [&](const Tensor& i) {
                        check((i < 3) | (sum_of_x < 20), "steps");
                        return i + 1;
                      },
                      Tensor::scalar(0));
  });
  add("a check in the branch taken", [](State& s, Tensor x, Tensor) {
    move_on(s, x);
    return cond(
        sum(x) > 0,
        [&] {
          check(is_good(x), "then");
          return sum(x);
        },
        [&] { return sum(x) * 2; });
  });
  add("a check under vmap", [](State& s, Tensor x, Tensor) {
    move_on(s, x);
    return sum(vmap([](const Tensor& row) {
      check(is_good(row), "row");
      return sum(row);
    })(x));
  });
  add("a check in a jitted function within", [](State& s, Tensor x, Tensor) {
    auto inner = jit([](State& t, Tensor v) {
      move_on(t, v);
      check(is_good(v), "inner");
      return sum(v);
    });
    return inner(s, x);
  });
  return cases;
}

std::vector<Case> failing_indices() {
  std::vector<Case> cases;
  auto add = [&](const char* name, Body body) { cases.push_back({name, "E0118", std::move(body), kPlain}); };
  add("an embedding behind the updates", [](State& s, Tensor x, Tensor ids) {
    const Tensor before = s.table;
    move_on(s, x);
    return sum(embedding(before, ids));
  });
  add("an embedding of the new table", [](State& s, Tensor x, Tensor ids) {
    move_on(s, x);
    return sum(embedding(s.table, ids));
  });
  add("the gradient of an embedding, by hand", [](State& s, Tensor x, Tensor ids) {
    auto [loss, g] = value_and_grad([&](const Tensor& t) { return sum(square(embedding(t, ids))); }, s.table);
    move_on(s, x);
    s.table = s.table - g * 0.1;
    return loss;
  });
  add("a gather in the last command", [](State& s, Tensor x, Tensor ids) {
    move_on(s, x);
    return take(s.w + s.m, ids, 0, OutOfRange::Check);
  });
  add("a scatter into the state itself", [](State& s, Tensor x, Tensor ids) {
    move_on(s, x);
    s.table = index_update(s.table, 0, ids, x, Combine::Add, OutOfRange::Check);
    return sum(x);
  });
  add("two scatters into the state", [](State& s, Tensor x, Tensor ids) {
    s.table = index_update(s.table, 0, clamp(ids, 0, 4), x, Combine::Set, OutOfRange::Check);
    s.table = index_update(s.table, 0, ids, x, Combine::Add, OutOfRange::Check);
    s.count = s.count + 1;
    return sum(x);
  });
  add("a class that there is not", [](State& s, Tensor x, Tensor ids) {
    move_on(s, x);
    return cross_entropy(matmul(x, s.w), ids);
  });
  add("an embedding in a scan", [](State& s, Tensor x, Tensor ids) {
    move_on(s, x);
    auto [last, ys] = scan(
        [&](const Tensor& h, const Tensor& id) {
          const Tensor row = embedding(s.table, id);
          return std::pair(h + row, sum(row));
        },
        Tensor::zeros({3}), ids);
    return sum(last);
  });
  add("an embedding in a jitted function within", [](State& s, Tensor x, Tensor ids) {
    auto inner = jit([](State& t, Tensor v, Tensor i) {
      const Tensor rows = embedding(t.table, i);
      move_on(t, v);
      return sum(rows);
    });
    const Tensor y = inner(s, x, ids);
    s.m = s.m * y;
    return y;
  });
  return cases;
}

std::vector<Case> runs_that_may_not_go_on() {
  std::vector<Case> cases;
  const Body plain = [](State& s, Tensor x, Tensor) {
    move_on(s, x);
    return sum(x);
  };
  const Tensor ids = Tensor::from({0, 1, 1, 2}), two = Tensor::full({4, 3}, 2);
  cases.push_back(
      {"the memory budget", "E0314", plain, kPlain, {.memory_budget_bytes = 1500}, Tensor::full({4000, 3}, 1), ids});
  cases.push_back({"no memory for a result",
                   "E0112",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     const Dim b = x.dim(0);
                     return broadcast_to(mean(x, {1}), {b, b, b, b});  // 2^50 bytes for the bad call
                   },
                   kPlain,
                   {},
                   Tensor::full({4096, 3}, 1),
                   ids});
  cases.push_back({"cancelled before", "E0319", plain, kCancelledBefore, {}, two, ids});
  cases.push_back({"cancelled in the middle of a loop",
                   "E0319",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     const Tensor goes_on = sum(x) > 20;
                     return while_loop([&](const Tensor& i) { return goes_on | (i < 3); },
                                       [](const Tensor& i) { return i + 1; }, Tensor::scalar(0));
                   },
                   kCancelledInTheMiddle,
                   {},
                   two,
                   ids});
  return cases;
}

std::vector<Case> runs_whose_output_is_refused() {
  std::vector<Case> cases;
  const Tensor ids = Tensor::from({0, 1, 1, 2}), two = Tensor::full({4, 3}, 2);
  cases.push_back({"a print on a full device",
                   "E0320",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     print(Tensor(s.mean), "mean");
                     return sum(x);
                   },
                   kFullDevice,
                   {},
                   two,
                   ids});
  cases.push_back({"a print in a loop on a full device",
                   "E0320",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     auto [last, ys] = scan(
                         [](const Tensor& h, const Tensor& row) {
                           print(row, "row");
                           return std::pair(h + row, h);
                         },
                         Tensor::zeros({3}), x);
                     return sum(last);
                   },
                   kFullDevice,
                   {},
                   two,
                   ids});
  cases.push_back({"a leaf that becomes infinite",
                   "E0318",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     s.m = s.m / maximum(1.5 - x[0], 0.0);
                     return sum(x);
                   },
                   kPlain,
                   {.require_finite = true},
                   two,
                   ids});
  return cases;
}

std::vector<Case> failing_recordings() {
  std::vector<Case> cases;
  const Tensor ids = Tensor::from({0, 1, 1, 2});
  cases.push_back({"the user's exception while it is recorded",
                   "",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     if (x.size(0) == 6) throw std::runtime_error("not today");
                     return sum(x);
                   },
                   kPlain,
                   {},
                   Tensor::full({6, 3}, 1),
                   ids});
  cases.push_back({"an error of shapes in a later recording",
                   "E0101",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     if (x.size(0) == 6) s.w = s.w + Tensor::zeros({7, 5});
                     return sum(x);
                   },
                   kPlain,
                   {},
                   Tensor::full({6, 3}, 1),
                   ids});
  cases.push_back({"the user's exception within a derivative",
                   "",
                   [](State& s, Tensor x, Tensor) {
                     const Tensor g = grad(
                         [&](const Tensor& w) {
                           move_on(s, x);
                           if (x.size(0) == 6) throw std::runtime_error("not today");
                           return sum(w * w);
                         },
                         s.w);
                     return sum(g);
                   },
                   kPlain,
                   {},
                   Tensor::full({6, 3}, 1),
                   ids});
  cases.push_back({"a look at a value",
                   "E0501",
                   [](State& s, Tensor x, Tensor) {
                     move_on(s, x);
                     if (x.size(0) == 6) s.w = s.w * s.w.array().get(0);
                     return sum(x);
                   },
                   kPlain,
                   {},
                   Tensor::full({6, 3}, 1),
                   ids});
  return cases;
}

std::vector<Case> all_cases() {
  std::vector<Case> all = failing_checks();
  for (auto* more : {&failing_checks_in_functions, &failing_indices, &runs_that_may_not_go_on,
                     &runs_whose_output_is_refused, &failing_recordings})
    for (Case& c : more()) all.push_back(std::move(c));
  return all;
}

struct Picture {
  std::vector<HostArray> values;
  std::vector<const std::byte*> memory;
};
Picture picture_of(State& s) {
  Picture p;
  for (const Leaf& leaf : leaves_of(s).list) {
    p.values.push_back(leaf.tensor().array().clone());
    p.memory.push_back(leaf.tensor().array().data());
  }
  return p;
}

void expect_unchanged(State& s, const Picture& before, const std::string& name) {
  const Leaves leaves = leaves_of(s);
  for (size_t i = 0; i < leaves.list.size(); ++i) {
    ASSERT_TRUE(leaves.list[i].tensor().defined()) << name << ": " << leaves.list[i].paths[0];
    EXPECT_TRUE(leaves.list[i].tensor().array().same_bits(before.values[i])) << name << ": " << leaves.list[i].paths[0];
    EXPECT_EQ(leaves.list[i].tensor().array().data(), before.memory[i]) << name << ": " << leaves.list[i].paths[0];
  }
}

/// Empty for an exception of the user's.
std::string code_of(const std::function<void()>& f) {
  try {
    return base::code_of(f);
  } catch (const std::exception& e) {
    return "";
  }
}

Tensor good_x() { return Tensor::full({4, 3}, 1); }

/// `is_warm`: a good call came before, so that the bad one does not record. `is_shared`: somebody else holds the state.
void run_case(const Case& c, bool is_warm, bool is_shared) {
  SCOPED_TRACE(c.name + (is_warm ? ", warm" : ", first") + (is_shared ? ", shared" : ", alone"));
  const Tensor good_ids = Tensor::from({2, 0, 1, 1}), x = good_x();
  State expected = fresh_state();
  auto other = jit(c.body);
  if (is_warm) other(expected, x, good_ids);
  const HostArray expected_result = other(expected, x, good_ids).array();

  State s = fresh_state();
  auto step = jit(c.body, c.options);
  if (is_warm) step(s, x, good_ids);
  const State held = is_shared ? s : State();
  const Picture before = picture_of(s);
  EXPECT_EQ(code_of([&] { c.bad([&] { step(s, c.x, c.ids); }); }), c.code);
  expect_unchanged(s, before, "after the failure");
  EXPECT_EQ(code_of([&] { c.bad([&] { step(s, c.x, c.ids); }); }), c.code) << "again";
  expect_unchanged(s, before, "after the second failure");

  const HostArray result = step(s, x, good_ids).array();
  EXPECT_TRUE(result.same_bits(expected_result));
  const Leaves found = leaves_of(s), wanted = leaves_of(expected);
  for (size_t i = 0; i < found.list.size(); ++i)
    EXPECT_TRUE(found.list[i].tensor().array().same_bits(wanted.list[i].tensor().array())) << found.list[i].paths[0];
}

TEST(FailedCall, LeavesEveryArgumentAsItWasWhereverItFails) {
  const std::vector<Case> cases = all_cases();
  EXPECT_GE(cases.size(), 30u);
  for (const Case& c : cases)
    for (const bool is_warm : {false, true})
      for (const bool is_shared : {false, true}) run_case(c, is_warm, is_shared);
}

}  // namespace
}  // namespace strata
