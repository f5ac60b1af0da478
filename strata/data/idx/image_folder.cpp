#include "strata/data/idx/image_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/data/idx/idx.h"

namespace strata::data {
namespace {

using base::Error;

class Reader {
 public:
  Reader(std::string_view folder, std::string_view name, int64_t classes, const MendHint& hint)
      : folder_(folder), name_(name), classes_(classes), hint_(hint) {}

  LabelledImages split(std::string_view prefix) const {
    LabelledImages split{.images = part(fmt::format("{}-images-idx3-ubyte", prefix)),
                         .labels = part(fmt::format("{}-labels-idx1-ubyte", prefix))};
    const auto& shape = split.images.shape();
    const bool are_images = split.images.dtype() == ir::DType::u8 && (shape.size() == 3 || shape.size() == 4);
    if (!are_images)
      throw Error(base::code::kUnfittingParts,
                  fmt::format("{}/{}: expected images u8 [N, H, W] or [N, C, H, W], found {} [{}]", folder_, prefix,
                              ir::dtype_name(split.images.dtype()), fmt::join(shape, ", ")));
    if (split.labels.dtype() != ir::DType::u8 || split.labels.rank() != 1 || split.labels.shape()[0] != shape[0])
      throw Error(base::code::kUnfittingParts,
                  fmt::format("{}/{}: expected labels u8 [{}], found {} [{}]", folder_, prefix, shape[0],
                              ir::dtype_name(split.labels.dtype()), fmt::join(split.labels.shape(), ", ")));
    if (split.images.elements() == 0)
      throw Error(base::code::kUnfittingParts, fmt::format("{}/{}: expected images, found none", folder_, prefix));
    check_labels(split, prefix);
    return split;
  }

 private:
  void check_labels(const LabelledImages& split, std::string_view prefix) const {
    const auto labels = split.labels.as<uint8_t>();
    const auto wrong = std::ranges::find_if(labels, [&](uint8_t label) { return label >= classes_; });
    if (wrong == labels.end()) return;
    throw Error(base::code::kUnfittingParts, fmt::format("{}/{}: the label of image {} is {}, expected 0 to {}",
                                                         folder_, prefix, wrong - labels.begin(), *wrong, classes_ - 1))
        .hint(hint_("reinstall"));
  }
  ir::HostArray part(const std::string& file) const {
    const std::string plain = fmt::format("{}/{}", folder_, file);
    const std::string packed = plain + ".gz";
    const bool is_packed = base::is_file(packed);
    if (!is_packed && !base::is_file(plain))
      throw Error(base::code::kMissingDataSet, fmt::format("{}: no file {}", name_, packed)).hint(hint_("install"));
    base::Result<ir::HostArray> read = read_idx(is_packed ? packed : plain);
    if (!read) throw Error(read.error()).hint(hint_("reinstall"));
    return *read;
  }

  std::string_view folder_, name_;
  int64_t classes_;
  const MendHint& hint_;
};

}  // namespace

ImageFolder read_image_folder(std::string_view folder, std::string_view name, int64_t classes, const MendHint& hint) {
  const Reader reader(folder, name, classes, hint);
  ImageFolder all{.train = reader.split("train"), .test = reader.split("t10k")};
  const auto image = [](const LabelledImages& split) {
    return std::vector<int64_t>(split.images.shape().begin() + 1, split.images.shape().end());
  };
  if (image(all.train) != image(all.test))
    throw Error(base::code::kUnfittingParts,
                fmt::format("{}/t10k: expected images of [{}] as in train, found [{}]", folder,
                            fmt::join(image(all.train), ", "), fmt::join(image(all.test), ", ")));
  return all;
}

}  // namespace strata::data
