#include "strata/data/idx/fashion_mnist.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "strata/base/bytes/files.h"
#include "strata/base/error/error.h"
#include "strata/data/idx/idx.h"

namespace strata::data {
namespace {

using base::Error;

ir::HostArray read_part(std::string_view folder, std::string_view name) {
  const std::string plain = fmt::format("{}/{}", folder, name);
  const std::string packed = plain + ".gz";
  if (base::is_file(packed)) return read_idx(packed).value();
  if (base::is_file(plain)) return read_idx(plain).value();
  throw Error("E0634", fmt::format("fashion-mnist: no file {}", packed))
      .hint("install the Debian package dataset-fashion-mnist (apt-get install dataset-fashion-mnist)");
}

LabelledImages read_split(std::string_view folder, std::string_view prefix) {
  LabelledImages split{.images = read_part(folder, fmt::format("{}-images-idx3-ubyte", prefix)),
                       .labels = read_part(folder, fmt::format("{}-labels-idx1-ubyte", prefix))};
  const auto& shape = split.images.shape();
  if (split.images.dtype() != ir::DType::u8 || shape.size() != 3 || shape[1] != 28 || shape[2] != 28)
    throw Error("E0635", fmt::format("{}/{}: expected images u8 [N, 28, 28], found {} [{}]", folder, prefix,
                                     ir::dtype_name(split.images.dtype()), fmt::join(shape, ", ")));
  if (split.labels.dtype() != ir::DType::u8 || split.labels.rank() != 1 || split.labels.shape()[0] != shape[0])
    throw Error("E0635", fmt::format("{}/{}: expected labels u8 [{}], found {} [{}]", folder, prefix, shape[0],
                                     ir::dtype_name(split.labels.dtype()), fmt::join(split.labels.shape(), ", ")));
  return split;
}

}  // namespace

FashionMnist fashion_mnist(std::string_view folder) {
  return {.train = read_split(folder, "train"), .test = read_split(folder, "t10k")};
}

}  // namespace strata::data
