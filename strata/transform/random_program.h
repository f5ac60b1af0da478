// Test support: random smooth programs in f64, for derivatives against differences and compiled against interpreted.
// Only
// *_test.cpp include this.
#pragma once

#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "strata/ir/host_array.h"
#include "strata/ops/composites/softmax.h"
#include "strata/ops/control.h"
#include "strata/ops/creation.h"
#include "strata/ops/custom_gradient.h"
#include "strata/ops/dot.h"
#include "strata/ops/elementwise.h"
#include "strata/ops/index.h"
#include "strata/ops/operators.h"
#include "strata/ops/reduce.h"
#include "strata/ops/shape.h"

namespace strata::transform::checks {

/// The seeds of a test: `count` from 1, or as STRATA_FUZZ_PROGRAMS (how many) and STRATA_FUZZ_SEED (the first) say.
struct Seeds {
  uint64_t first, end;
  explicit Seeds(uint64_t count) {
    const char *wanted = std::getenv("STRATA_FUZZ_PROGRAMS"), *start = std::getenv("STRATA_FUZZ_SEED");
    first = start ? std::strtoull(start, nullptr, 10) : 1;
    end = first + (wanted ? std::strtoull(wanted, nullptr, 10) : count);
  }
};

/// Grows one program of matrices: each step takes earlier values and adds one that stays of the order of 1.
class RandomProgram {
 public:
  explicit RandomProgram(uint64_t seed) : rng_(seed), graph_(std::make_shared<ir::Graph>("random")) {
    rows_ = 1 + below(4);
    columns_ = 1 + below(4);
    condition_ = graph_->add_parameter(ir::Type::scalar(ir::DType::boolean));
    for (int i = 0; i < 3; ++i) pool_.push_back(graph_->add_parameter(ir::Type::of(ir::DType::f64, {rows_, columns_})));
    const int steps = 4 + static_cast<int>(below(8));
    for (int i = 0; i < steps; ++i) pool_.push_back(step());
    Value all = pool_.back() * pick();  // every value counts, so that no step is dead
    for (const Value& v : pool_) all = all + ops::tanh(v);
    graph_->set_results({ops::reduce_sum(all, {0, 1}), pool_.back()});
  }

  const std::shared_ptr<ir::Graph>& graph() const { return graph_; }

  std::vector<ir::HostArray> arguments() {
    std::vector<ir::HostArray> list;
    list.emplace_back(ir::DType::boolean, std::vector<int64_t>{});
    list.back().set_int(0, static_cast<int64_t>(below(2)));
    std::normal_distribution<double> normal;
    for (int i = 0; i < 3; ++i) {
      list.emplace_back(ir::DType::f64, std::vector<int64_t>{rows_, columns_});
      for (int64_t k = 0; k < rows_ * columns_; ++k) list.back().set(k, normal(rng_));
    }
    return list;
  }

 private:
  using Value = ir::Value;
  using Values = std::vector<Value>;

  int64_t below(int64_t n) { return static_cast<int64_t>(rng_() % static_cast<uint64_t>(n)); }
  Value pick() { return pool_[static_cast<size_t>(below(static_cast<int64_t>(pool_.size())))]; }

  Value step() {
    switch (below(3)) {
      case 0:
        return pointwise(pick(), pick(), below(12));
      case 1:
        return structured(pick(), pick());
      default:
        return with_region(pick(), pick());
    }
  }

  static Value pointwise(Value x, Value y, int64_t which) {
    switch (which) {
      case 0:
        return ops::tanh(x) * y;
      case 1:
        return ops::sin(x) + y * 0.5;
      case 2:
        return ops::sigmoid(x - y);
      case 3:
        return x / (y * y + 1.0);
      case 4:
        return ops::sqrt(x * x + 0.5) - y;
      case 5:
        return ops::exp(ops::tanh(x)) * ops::cos(y);
      case 6:
        return ops::log1p(x * x) + y;
      case 7:
        return ops::erf(x) * y;
      case 8:
        return ops::rsqrt(x * x + y * y + 1.0);
      case 9:
        return ops::atan2(x, y * y + 1.0);
      case 10:
        return ops::tanh(x * y);
      default:
        return ops::expm1(ops::sin(x)) - y;
    }
  }

  Value structured(Value x, Value y) {
    const ops::Shape shape{rows_, columns_};
    switch (below(8)) {
      case 0:
        return ops::tanh(ops::matmul(ops::matmul(x, ops::transpose(y, {1, 0})), x));
      case 1:
        return ops::broadcast(ops::reduce_sum(x, {0}), shape, std::vector<int64_t>{1}) * 0.3 + y;
      case 2:
        return ops::softmax(x, 1) * y;
      case 3:
        return ops::tanh(ops::cumsum(x, below(2)));
      case 4:
        return ops::reverse(x, {below(2)}) * y;
      case 5:
        return ops::reshape(ops::transpose(x, {1, 0}), shape) + y;
      case 6: {
        const int64_t at = 1 + below(rows_);
        return ops::concat({ops::slice_axis(y, 0, {at}), ops::slice_axis(x, 0, {0, ir::Dim(at)})}, 0);
      }
      default:
        return ops::take(x, ops::iota(*graph_, ir::Type::of(ir::DType::i32, {rows_}), 0) % 2, 0) * y;
    }
  }

  Value with_region(Value x, Value y) {
    const int64_t first = below(12), second = below(12);
    const Values operands{x, y};
    auto body = [&](int64_t which) {
      return [which](ir::Graph&, const Values& p) { return Values{ops::tanh(pointwise(p[0], p[1], which)) * p[0]}; };
    };
    switch (below(4)) {
      case 0:
        return ops::cond(condition_, operands, body(first), body(second))[0];
      case 1:
        return ops::call_graph(ops::make_region("body", ops::types_of(operands), body(first)), operands)[0];
      case 2:
        return ops::checkpoint(*graph_, ops::make_region("body", ops::types_of(operands), body(first)), operands)[0];
      default:
        return scanned(x, y, first, second);
    }
  }

  /// Over the rows of x, with the first row of y as state and the last as a constant.
  Value scanned(Value x, Value y, int64_t first, int64_t second) {
    auto row = [&](int64_t i) { return ops::reshape(ops::slice_axis(y, 0, {i, ir::Dim(i + 1)}), {columns_}); };
    const ops::ScanOperands operands{{row(rows_ - 1)}, {row(0)}, {x}};
    auto body = [&](ir::Graph&, const Values& p) {
      const Value next = ops::tanh(pointwise(p[1], p[2], first) + p[0]);
      return Values{next, pointwise(next, p[2], second)};
    };
    const auto order = below(2) ? ops::ScanOrder::Forward : ops::ScanOrder::Reverse;
    const ops::ScanResults results = ops::scan(operands, rows_, body, order);
    return results.ys[0] + ops::broadcast(results.carries[0], x.shape(), std::vector<int64_t>{1});
  }

  std::mt19937_64 rng_;
  std::shared_ptr<ir::Graph> graph_;
  int64_t rows_ = 1, columns_ = 1;
  Value condition_;
  Values pool_;
};

}  // namespace strata::transform::checks
