#include "strata/data/idx/fashion_mnist.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "strata/base/bytes/files.h"
#include "strata/base/error/error.h"
#include "strata/data/idx/idx.h"

namespace strata::data {
namespace {

using base::Error;

constexpr uint8_t kClasses = kFashionMnistClasses.size();

/// How a file that is missing or broken is mended.
std::string mend_hint(std::string_view folder, std::string_view verb) {
  if (folder == kFashionMnistFolder)
    return fmt::format("{} the Debian package dataset-fashion-mnist (apt-get {} dataset-fashion-mnist)", verb, verb);
  return "the folder must hold the four files of the data set, with or without .gz; the Debian package "
         "dataset-fashion-mnist has them";
}

ir::HostArray read_part(std::string_view folder, std::string_view name) {
  const std::string plain = fmt::format("{}/{}", folder, name);
  const std::string packed = plain + ".gz";
  const bool is_packed = base::is_file(packed);
  if (!is_packed && !base::is_file(plain))
    throw Error("E0634", fmt::format("fashion-mnist: no file {}", packed)).hint(mend_hint(folder, "install"));
  base::Result<ir::HostArray> read = read_idx(is_packed ? packed : plain);
  if (!read) throw Error(read.error()).hint(mend_hint(folder, "reinstall"));
  return *read;
}

void check_labels(std::span<const uint8_t> labels, std::string_view folder, std::string_view prefix) {
  const auto wrong = std::find_if(labels.begin(), labels.end(), [](uint8_t label) { return label >= kClasses; });
  if (wrong == labels.end()) return;
  throw Error("E0635", fmt::format("{}/{}: the label of image {} is {}, expected 0 to {}", folder, prefix,
                                   wrong - labels.begin(), *wrong, kClasses - 1))
      .hint(mend_hint(folder, "reinstall"));
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
  if (shape[0] == 0) throw Error("E0635", fmt::format("{}/{}: expected images, found none", folder, prefix));
  check_labels(split.labels.as<uint8_t>(), folder, prefix);
  return split;
}

}  // namespace

FashionMnist fashion_mnist(std::string_view folder) {
  return {.train = read_split(folder, "train"), .test = read_split(folder, "t10k")};
}

}  // namespace strata::data
