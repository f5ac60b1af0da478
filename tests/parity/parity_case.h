// The trainings that are compared with PyTorch: their parameters, batches and optimisers, all a function of fixed
// seeds.
//
//   lenet       LeNet-5 on the first images of Fashion-MNIST, SGD with momentum                       20 steps
//   gpt         a small GPT on a made-up language, AdamW, warm-up and cosine, clipping                20 steps
//   king_james  the same GPT on the bytes of the King James Bible, then its loss on held-out verses  300 steps
//
// parity_export writes the weights and batches as safetensors for tools/golden/parity.py, which trains the same in
// PyTorch and keeps its losses in tests/golden/parity/; parity_test.cpp trains here and compares. The golden files
// carry a hash of what PyTorch was given, so that a changed initialiser or loader is told apart from wrong arithmetic.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/formats/safetensors/writer.h"
#include "strata/tensor/tensor.h"

namespace strata::parity {

struct Example {
  Tensor x, y;
};

/// What both sides need to know; learning_rates has one for each step.
struct Recipe {
  std::string model;      ///< "lenet", "gpt"
  std::string optimiser;  ///< "sgd", "adamw"
  double momentum = 0, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double weight_decay = 0;  ///< not of biases and norms
  double clip = 0;
  std::vector<double> learning_rates;
  base::Json sizes = base::Json::object();  ///< of a GPT

  base::Json json() const;
};

class Case {
 public:
  virtual ~Case() = default;
  virtual const Recipe& recipe() const = 0;
  /// Parameters by PyTorch's names, as they are now.
  virtual std::vector<formats::NamedArray> weights() = 0;
  virtual Example batch(int64_t step) const = 0;
  /// Held-out examples for the loss at the end; may be none.
  virtual std::vector<Example> validation() const { return {}; }
  /// One optimiser step: the loss before it.
  virtual double step(int64_t number) = 0;
  /// Mean loss over validation().
  virtual double validation_loss() { return 0; }
};

struct CaseName {
  std::string name;
  /// Throws E0634 or E0001 when the data's package isn't installed, E0721 when it is another text.
  std::unique_ptr<Case> (*open)();
};
const std::vector<CaseName>& cases();
std::unique_ptr<Case> open_case(const std::string& name);

/// Weights, batches and validation as safetensors have them: "model.<path>", "x.0", "y.0", ..., "val_x.0", ...
std::vector<formats::NamedArray> exported(Case& c);
/// SHA-256 over names and bytes of what is exported.
std::string inputs_sha256(Case& c);

}  // namespace strata::parity
