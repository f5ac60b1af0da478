#include "strata/train/images/image_pictures.h"

#include <algorithm>

#include "strata/base/bytes/atomic_file.h"
#include "strata/report/png/image_grid.h"
#include "strata/report/svg/heat_map.h"

namespace strata::train {
namespace {

constexpr int64_t kSamples = 32;  // pictures in the grid: the first right and wrong ones, 8 wrong at least if there are

/// Of three channels in colour, else the first channel in grey.
report::Image picture(const ir::HostArray& images, int64_t index) {
  const auto& shape = images.shape();
  const int64_t height = shape[shape.size() - 2], width = shape.back(), plane = height * width;
  const int64_t channels = shape.size() == 4 ? shape[1] : 1, shown = channels == 3 ? 3 : 1;
  const uint8_t* pixels = images.as<uint8_t>().data() + index * channels * plane;
  report::Image image{static_cast<int>(width), static_cast<int>(height), static_cast<int>(shown), {}};
  image.pixels.reserve(plane * shown);
  for (int64_t i = 0; i < plane; ++i)
    for (int64_t c = 0; c < shown; ++c) image.pixels.push_back(pixels[c * plane + i]);
  return image;
}

/// The first images, with as many wrong ones among them that the grid shows how the model errs.
std::vector<int64_t> chosen(const Predictions& p) {
  std::vector<int64_t> right, wrong;
  for (size_t i = 0; i < p.predicted.size(); ++i) {
    const bool is_right = p.predicted[i] == p.labels.get_int(i);
    (is_right ? right : wrong).push_back(i);
  }
  wrong.resize(std::min<size_t>(wrong.size(), kSamples / 4));
  right.resize(std::min<size_t>(right.size(), kSamples - wrong.size()));
  std::vector<int64_t> all = right;
  all.insert(all.end(), wrong.begin(), wrong.end());
  return all;
}

report::Svg confusion(const Predictions& p) {
  const size_t classes = p.classes.size();
  std::vector<int64_t> counts(classes * classes);
  for (size_t i = 0; i < p.predicted.size(); ++i) ++counts[p.labels.get_int(i) * classes + p.predicted[i]];
  report::HeatMapOptions options;
  options.title = "confusion matrix, test images";
  options.row_title = "true class";
  options.column_title = "predicted class";
  return report::confusion_matrix(counts, p.classes, options);
}

}  // namespace

void show_predictions(report::Page& page, const RunFolder& folder, const Predictions& p) {
  const auto name_of = [&](int64_t label) { return p.classes[label]; };
  std::vector<report::GridItem> items;
  for (int64_t i : chosen(p))
    items.push_back(
        report::prediction_item(picture(p.images, i), name_of(p.predicted[i]), name_of(p.labels.get_int(i))));
  const std::string png = report::encode_png(report::image_grid(items, {.title = "test images and predictions"}));
  base::write_file(folder.file("samples.png"), std::string_view(png));
  const report::Svg matrix = confusion(p);
  base::write_file(folder.file("confusion.svg"), std::string_view(matrix.markup));
  page.section("Predictions on the test images").png(png, "test images with the model's predictions");
  page.svg(matrix, report::Width::Full);
}

}  // namespace strata::train
