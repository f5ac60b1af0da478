// Recurrent layers over x [B, T, in], batch first. Names, layouts and gate orders are PyTorch's: weight_ih_l0 [gates H,
// in], weight_hh_l0 [gates H, H], bias_ih_l0, bias_hh_l0, then _l1 and so on; "_reverse" behind the names of the
// backward direction. All start uniform within 1 / sqrt(H).
#pragma once

#include <string>
#include <vector>

#include "strata/nn/init.h"

namespace strata::nn {

struct RecurrentOptions {
  int64_t layers = 1;  ///< 1 to 10,000
  bool is_bidirectional = false;
};

namespace recurrent_detail {

/// Parameters of one layer in one direction.
struct Cell {
  std::string suffix;  ///< "_l0", "_l1_reverse"
  Tensor weight_ih, weight_hh, bias_ih, bias_hh;
};

/// The line is that of the braces that make the layer.
std::vector<Cell> make_cells(const RecurrentOptions& options, Source at = Source::here());
void initialise_cells(std::vector<Cell>& cells, const RecurrentOptions& options, int64_t gates, int64_t in,
                      int64_t hidden, const Initialiser& init);

template <class Cells, class V>
void visit_cells(Cells& cells, V& visitor) {
  for (auto& cell : cells) {
    visitor("weight_ih" + cell.suffix, cell.weight_ih);
    visitor("weight_hh" + cell.suffix, cell.weight_hh);
    visitor("bias_ih" + cell.suffix, cell.bias_ih);
    visitor("bias_hh" + cell.suffix, cell.bias_hh);
  }
}

/// What the layers share. Aggregates: nn::Lstm{in, hidden, {.layers = 2}}.
struct Layer {
  int64_t in = 0, hidden = 0;
  RecurrentOptions options{};
  std::vector<Cell> cells = make_cells(options);
  Path path{};

  template <class V>
  void visit_fields(V&& visitor) {
    visit_cells(cells, visitor);
  }
  template <class V>
  void visit_fields(V&& visitor) const {
    visit_cells(cells, visitor);
  }
};

}  // namespace recurrent_detail

/// What a recurrent layer gives: the last layer's outputs [B, T, H] (2 H when bidirectional), and the last states
/// [layers * directions, B, H] (c: LSTM only).
struct RecurrentOutput {
  Tensor y_BTH, h_LBH, c_LBH;
  STRATA_FIELDS(y_BTH, h_LBH, c_LBH)
};

/// Hochreiter and Schmidhuber 1997, with forget gates. Gates in the order input, forget, cell, output.
struct Lstm : recurrent_detail::Layer {
  void initialise(const Initialiser& init);
  /// `h_LBH`, `c_LBH`: the states to start from; undefined: zero.
  RecurrentOutput operator()(const Tensor& x_BTI, const Tensor& h_LBH = {}, const Tensor& c_LBH = {},
                             Source at = Source::here()) const;
};

/// Cho et al. 2014, in PyTorch's form: n = tanh(W x + b + r (U h + c)). Gates in the order reset, update, new.
struct Gru : recurrent_detail::Layer {
  void initialise(const Initialiser& init);
  RecurrentOutput operator()(const Tensor& x_BTI, const Tensor& h_LBH = {}, Source at = Source::here()) const;
};

}  // namespace strata::nn
