#include "strata/data/idx/fashion_mnist.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"

namespace strata::data {

FashionMnist fashion_mnist(std::string_view folder) {
  const MendHint hint = [&](std::string_view verb) -> std::string {
    if (folder == kFashionMnistFolder)
      return fmt::format("{} the Debian package dataset-fashion-mnist (apt-get {} dataset-fashion-mnist)", verb, verb);
    return "the folder must hold the four files of the data set, with or without .gz; the Debian package "
           "dataset-fashion-mnist has them";
  };
  FashionMnist all = read_image_folder(folder, "fashion-mnist", kFashionMnistClasses.size(), hint);
  const auto& shape = all.train.images.shape();
  if (shape.size() != 3 || shape[1] != 28 || shape[2] != 28)
    throw base::Error(
        base::code::kUnfittingParts,
        fmt::format("{}/train: expected images u8 [N, 28, 28], found u8 [{}]", folder, fmt::join(shape, ", ")))
        .hint("data.kind = \"images\" is for images of other sizes");
  return all;
}

}  // namespace strata::data
