#include "strata/models/lstm.h"

namespace strata::models {

Tensor LstmRegressor::operator()(const Tensor& x_BTI, Source at) const {
  const LineScope scope(at);
  return head(lstm(x_BTI).y_BTH);
}

Tensor LstmLanguageModel::operator()(const Tensor& ids_BT, Source at) const {
  const LineScope scope(at);
  return head(lstm(embedding(ids_BT)).y_BTH);
}

}  // namespace strata::models
