// Legend: B batch, T time, I input, G gates * H, H hidden, L layers * directions.
//
// The inputs of all times go through weight_ih in one contraction; the steps that depend on each other are one scan, so
// the program does not grow with T, which may be symbolic.
#include "strata/nn/recurrent.h"

#include <fmt/format.h>

#include <cmath>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/nn/linear.h"
#include "strata/ops/creation/creation.h"
#include "strata/ops/shape/shape.h"
#include "strata/tensor/control/control.h"

namespace strata::nn {

namespace recurrent_detail {

std::vector<Cell> make_cells(const RecurrentOptions& options, Source at) {
  ops::noting_line(user_line(at), [&] {
    base::OptionCheck(base::code::kOptionOutOfRange, "recurrent")
        .integer("layers", options.layers, base::Bounds::between(1, 10000));
  });
  std::vector<Cell> cells;
  for (int64_t layer = 0; layer < options.layers; ++layer) {
    cells.push_back({fmt::format("_l{}", layer), {}, {}, {}, {}});
    if (options.is_bidirectional) cells.push_back({fmt::format("_l{}_reverse", layer), {}, {}, {}, {}});
  }
  return cells;
}

void initialise_cells(std::vector<Cell>& cells, const RecurrentOptions& options, int64_t gates, int64_t in,
                      int64_t hidden, const Initialiser& init) {
  base::OptionCheck(base::code::kLayerOptions, init.owner("recurrent"))
      .integer("in", in, base::kExtent)
      .integer("hidden", hidden, base::kExtent);
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const int64_t directions = options.is_bidirectional ? 2 : 1;
  for (int64_t i = 0; i < std::ssize(cells); ++i) {
    const int64_t inputs = i < directions ? in : hidden * directions;
    cells[i].weight_ih = init.uniform("weight_ih" + cells[i].suffix, {gates * hidden, inputs}, bound);
    cells[i].weight_hh = init.uniform("weight_hh" + cells[i].suffix, {gates * hidden, hidden}, bound);
    cells[i].bias_ih = init.uniform("bias_ih" + cells[i].suffix, {gates * hidden}, bound);
    cells[i].bias_hh = init.uniform("bias_hh" + cells[i].suffix, {gates * hidden}, bound);
  }
}

}  // namespace recurrent_detail

namespace {

using recurrent_detail::Cell;

struct State {
  Tensor h_BH, c_BH;  ///< c: LSTM only
  STRATA_FIELDS(h_BH, c_BH)
};

Tensor step_of(const Tensor& x, int64_t axis, int64_t i, Source at) {
  return squeeze(slice_axis(x, axis, {.first = i, .limit = Dim(i + 1)}, at), axis, at);
}

std::vector<Tensor> gates_of(const Tensor& x_BG, int64_t count, Source at) {
  const Dim hidden = floor_div(x_BG.dim(1), count);
  return split(x_BG, std::vector<Dim>(count, hidden), 1, at);
}

/// One LSTM step; x_BG is the input's share of the gates.
State lstm_step(const Cell& cell, const Tensor& x_BG, const State& before, Source at) {
  const auto gate = gates_of(x_BG + linear(before.h_BH, cell.weight_hh, cell.bias_hh, at), 4, at);
  const Tensor c_BH = sigmoid(gate[1], at) * before.c_BH + sigmoid(gate[0], at) * tanh(gate[2], at);
  return {sigmoid(gate[3], at) * tanh(c_BH, at), c_BH};
}

State gru_step(const Cell& cell, const Tensor& x_BG, const State& before, Source at) {
  const auto from_x = gates_of(x_BG, 3, at),
             from_h = gates_of(linear(before.h_BH, cell.weight_hh, cell.bias_hh, at), 3, at);
  const Tensor r_BH = sigmoid(from_x[0] + from_h[0], at), z_BH = sigmoid(from_x[1] + from_h[1], at);
  const Tensor n_BH = tanh(from_x[2] + r_BH * from_h[2], at);
  return {n_BH + z_BH * (before.h_BH - n_BH), {}};
}

using StepFn = State (*)(const Cell&, const Tensor&, const State&, Source);

/// One layer in one direction: outputs [B, T, H], and the state after the last step.
std::pair<Tensor, State> run_cell(StepFn step, const Cell& cell, const Tensor& x_BTI, const State& start,
                                  bool is_backward, Source at) {
  const Tensor gates_TBG = swap_axes(linear(x_BTI, cell.weight_ih, cell.bias_ih, at), 0, 1, at);
  auto body = [&](const State& before, const Tensor& gates_BG) {
    const State after = step(cell, gates_BG, before, at);
    return std::pair(after, after.h_BH);
  };
  const auto order = is_backward ? ops::ScanOrder::Reverse : ops::ScanOrder::Forward;
  auto [last, y_TBH] = scan(body, start, gates_TBG, {.order = order}, at);
  return {swap_axes(y_TBH, 0, 1, at), last};
}

RecurrentOutput run(StepFn step, bool has_c, const std::vector<Cell>& cells, const RecurrentOptions& options,
                    int64_t hidden, const Tensor& x_BTI, const Tensor& h_LBH, const Tensor& c_LBH, Source at) {
  if (x_BTI.rank() != 3)
    ops::noting_line(user_line(at), [&] {
      throw base::Error(base::code::kOperandShapes,
                        fmt::format("a recurrent layer takes [B, T, in], found {}", x_BTI.type().str()));
    });
  const size_t directions = options.is_bidirectional ? 2 : 1;
  const Tensor zero_BH = Tensor::zeros({x_BTI.dim(0), hidden}, x_BTI.dtype(), at);
  Tensor x = x_BTI;
  std::vector<Tensor> last_h, last_c;
  for (size_t first = 0; first < cells.size(); first += directions) {
    std::vector<Tensor> outputs;
    for (size_t d = 0; d < directions; ++d) {
      const int64_t i = first + d;
      State state{h_LBH.defined() ? step_of(h_LBH, 0, i, at) : zero_BH, {}};
      if (has_c) state.c_BH = c_LBH.defined() ? step_of(c_LBH, 0, i, at) : zero_BH;
      auto [y, last] = run_cell(step, cells[first + d], x, state, d == 1, at);
      outputs.push_back(y);
      last_h.push_back(last.h_BH);
      if (has_c) last_c.push_back(last.c_BH);
    }
    x = directions == 1 ? outputs[0] : concat(outputs, 2, at);
  }
  return {x, stack(last_h, 0, at), has_c ? stack(last_c, 0, at) : Tensor()};
}

}  // namespace

void Lstm::initialise(const Initialiser& init) { initialise_cells(cells, options, 4, in, hidden, init); }
void Gru::initialise(const Initialiser& init) { initialise_cells(cells, options, 3, in, hidden, init); }

RecurrentOutput Lstm::operator()(const Tensor& x_BTI, const Tensor& h_LBH, const Tensor& c_LBH, Source at) const {
  const LayerScope scope(path, at);
  return run(lstm_step, true, cells, options, hidden, x_BTI, h_LBH, c_LBH, at);
}
RecurrentOutput Gru::operator()(const Tensor& x_BTI, const Tensor& h_LBH, Source at) const {
  const LayerScope scope(path, at);
  return run(gru_step, false, cells, options, hidden, x_BTI, h_LBH, {}, at);
}

}  // namespace strata::nn
