#include "strata/report/html/page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/report/png/image_grid.h"
#include "strata/report/svg/bars.h"
#include "strata/report/svg/heat_map.h"
#include "strata/report/svg/plot.h"

namespace strata::report {
namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(Page, EscapesEveryKindOfText) {
  const std::string evil = "<script>alert(1)</script>\"'&";
  Page page(evil, evil);
  page.card(evil, evil, evil).section(evil).paragraph(evil).sample(evil, evil).details(evil, evil);
  page.table({{evil}, {{evil}}}).png("x", evil, Width::Half, evil).svg({"<svg></svg>"}, Width::Full, evil);
  EXPECT_FALSE(contains(page.html(), "<script"));
  EXPECT_FALSE(contains(page.html(), "\"'&"));
}

TEST(Page, NeedsNothingFromOutside) {
  Page page("t");
  page.png("png", "alt").svg(plot({}, {})).section("a").section("b");
  std::string html = page.html();
  for (std::size_t at; (at = html.find("http://www.w3.org/2000/svg")) != std::string::npos;) html.erase(at, 26);
  for (const std::string_view part : {"http:", "https:", "//cdn", "<script", "<link", "@import", "url("}) {
    EXPECT_FALSE(contains(html, part)) << part;
  }
}

TEST(Page, NumbersStandRightAndShortRowsArePadded) {
  Page page("t");
  page.table({{"name", "loss", "share"}, {{"a", "1.25", "90 %"}, {"b", "-", "3.5x"}, {"c"}}});
  const std::string html = page.html();
  EXPECT_TRUE(contains(html, "<tr><th>name</th><th class=\"num\">loss</th><th class=\"num\">share</th></tr>"));
  EXPECT_TRUE(contains(html, "<tr><td>c</td><td class=\"num\"></td><td class=\"num\"></td></tr>"));
}

TEST(Page, FiguresInARowShareOneBoxUntilTextFollows) {
  Page page("t");
  page.svg({"<svg></svg>"}).svg({"<svg></svg>"}).paragraph("p").svg({"<svg></svg>"});
  EXPECT_EQ(count_of(page.html(), "<div class=\"figures\">"), 2u);
  EXPECT_EQ(count_of(page.html(), "<div"), count_of(page.html(), "</div>"));
}

TEST(Page, KeepsALeadingNewlineOfASample) {
  EXPECT_TRUE(contains(Page("t").sample("", "\n x").html(), "<pre>\n\n x</pre>"));
}

/// Noise that is the same with every standard library.
class Noise {
 public:
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double normal() { return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform()); }

 private:
  std::mt19937_64 engine_{42};
};

const std::vector<std::string> kClasses = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                           "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

Svg demo_losses(Noise& noise) {
  std::vector<double> steps, train, val_steps, val;
  for (int i = 0; i < 4690; ++i) {
    const double level = 0.26 + 2.0 * std::exp(-i / 180.0) + 0.3 * std::exp(-i / 1600.0);
    steps.push_back(i);
    train.push_back(i == 2000 ? NAN : level * std::exp(0.18 * noise.normal()));
    if (i % 469 == 468) val_steps.push_back(i), val.push_back(level + 0.03);
  }
  return plot(loss_series(steps, train, val_steps, val),
              {.title = "Loss",
               .subtitle = "cross-entropy per image; validation after each epoch",
               .x = {.label = "step"},
               .y = {.label = "loss", .unit = "nats"},
               .width = 860,
               .height = 380});
}

Svg demo_rates() {
  Series cosine{.name = "cosine with warm-up"}, constant{.name = "constant", .mark = Mark::DashedLine};
  for (int i = 1; i <= 3000; i += 10) {
    cosine.x.push_back(i), constant.x.push_back(i), constant.y.push_back(3e-4);
    cosine.y.push_back(i < 300 ? 1e-3 * i / 300 : 1e-5 + 5e-4 * (1 + std::cos(3.14159 * (i - 300) / 2700)));
  }
  return plot({cosine, constant}, {.title = "Learning rate", .x = {.label = "step"}, .y = {.label = "rate"}});
}

Svg demo_scatter(Noise& noise) {
  Series fast{.name = "fused", .mark = Mark::Points}, slow{.name = "not fused", .mark = Mark::Points};
  for (int i = 0; i < 60; ++i) {
    const double bytes = std::pow(10, 3 + 5 * noise.uniform());
    fast.x.push_back(bytes), fast.y.push_back(1e-6 + bytes / 2e10 * std::exp(0.2 * noise.normal()));
    slow.x.push_back(bytes), slow.y.push_back(2e-6 + bytes / 0.7e10 * std::exp(0.2 * noise.normal()));
  }
  return plot({fast, slow}, {.title = "Kernel time by size",
                             .x = {.label = "bytes moved", .scale = Scale::Log},
                             .y = {.label = "time", .unit = "s", .scale = Scale::Log}});
}

Svg demo_confusion(Noise& noise) {
  std::vector<std::int64_t> counts(100, 0);
  for (std::size_t i = 0; i < 10; ++i) {
    std::int64_t left = 1000;
    for (std::size_t j = 0; j < 10; ++j) {
      if (i == j || noise.uniform() < 0.5) continue;
      const auto wrong = static_cast<std::int64_t>(80 * std::pow(noise.uniform(), 3));
      counts[i * 10 + j] = wrong;
      left -= wrong;
    }
    counts[i * 10 + i] = left;
  }
  return confusion_matrix(counts, kClasses,
                          {.title = "Confusion matrix",
                           .subtitle = "10,000 test images; shaded by the part of the row, errors by its square root",
                           .row_title = "true",
                           .column_title = "predicted"});
}

Image demo_digit(Noise& noise, int kind) {
  std::vector<float> pixels(28 * 28);
  for (int y = 0; y < 28; ++y) {
    for (int x = 0; x < 28; ++x) {
      const double dx = x - 13.5, dy = y - 13.5, radius = std::hypot(dx * (1 + 0.06 * kind), dy);
      pixels[y * 28 + x] = static_cast<float>(std::exp(-std::pow((radius - 8) / 3, 2)) + 0.05 * noise.uniform());
    }
  }
  return Image::from_floats(pixels.data(), 28, 28, 0, 1);
}

Image demo_grid(Noise& noise) {
  std::vector<GridItem> items;
  for (int i = 0; i < 24; ++i) {
    const std::size_t truth = i % 10, predicted = i % 7 == 3 ? (truth + 4) % 10 : truth;
    items.push_back(prediction_item(demo_digit(noise, i % 10), kClasses[predicted], kClasses[truth]));
  }
  return image_grid(items, {.title = "Test images: predicted class"});
}

Page demo_page() {
  Noise noise;
  std::vector<double> weights(5000);
  for (double& weight : weights) weight = 0.05 * noise.normal();
  Page page("LeNet-5 on Fashion-MNIST", "10 epochs, batch 64, SGD with momentum; 2 threads, AVX2");
  page.card("test accuracy", "0.9031", "10,000 images").card("test loss", "0.2714", "nats per image");
  page.card("training time", "1:52", "25.4 k images/s").card("parameters", "61,706", "241 KiB");
  page.section("Training").svg(demo_losses(noise), Width::Full);
  page.svg(demo_rates()).svg(demo_scatter(noise), Width::Half, "Each point is one kernel launch.");
  page.section("Test set").png(encode_png(demo_grid(noise)), "a grid of test images with predicted labels");
  page.svg(demo_confusion(noise), Width::Full);
  page.svg(bar_chart(kClasses, {{"", {0.86, 0.98, 0.85, 0.91, 0.84, 0.97, 0.71, 0.96, 0.98, 0.95}}},
                     {.title = "Recall by class", .axis = {.low = 0, .high = 1}}));
  page.svg(histogram(weights, {.title = "Weights of fc1", .x = {.label = "weight"}}));
  page.svg(bar_chart({"gemm 256", "gemm 512", "attention", "a rather long name of a workload that is cut"},
                     {{"strata", {121.5, 118, 43, -12}}, {"peer", {119, 125, NAN, 7}}},
                     {.title = "Speed", .axis = {.label = "speed", .unit = "GFLOP/s"}}));
  page.section("Layers").table({{"layer", "shape", "parameters", "share"},
                                {{"conv1", "[6,1,5,5]", "156", "0.3 %"},
                                 {"conv2", "[16,6,5,5]", "2,416", "3.9 %"},
                                 {"fc1", "[120,400]", "48,120", "78.0 %"}}});
  page.section("Samples").sample("prompt: The package", " provides\n\ta <small> set of \xFF tools & libraries");
  page.section("Configuration").details("resolved config", "[train]\nepochs = 10\nbatch = 64\nlr = 0.05\n");
  return page;
}

/// Set STRATA_REPORT_DEMO to a folder to keep what this test draws and look at it.
TEST(Page, ADemoReportIsTheSameTwiceAndWrittenAsAFile) {
  const base::TempFolder temp("report");
  const char* keep = std::getenv("STRATA_REPORT_DEMO");
  const std::string folder = keep != nullptr ? keep : temp.path();
  const Page page = demo_page();
  page.write(folder + "/report.html");
  EXPECT_EQ(base::read_text(folder + "/report.html").value(), demo_page().html());
  Noise noise;
  write_png(folder + "/grid.png", demo_grid(noise));
  EXPECT_GT(base::file_bytes(folder + "/grid.png").value(), 1000u);
}

}  // namespace
}  // namespace strata::report
