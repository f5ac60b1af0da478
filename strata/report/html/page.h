// A report as one HTML file that needs nothing else: style inside, drawings inline, pictures as data URIs, no scripts.
//
//   Page page("LeNet-5 on Fashion-MNIST", "run 2024-05-01, 2 threads, AVX2");
//   page.card("test accuracy", "0.9031", "10,000 images").card("time", "1:52");
//   page.section("Training").svg(plot(...), Width::Full);
//   page.section("Configuration").details("resolved config", config_text);
//   page.write("runs/demo/report.html");
//
// Text arguments are text, never markup: they are escaped here. Order of calls is order on the page; consecutive
// half-width figures stand side by side where the window allows. The same calls give the same bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strata/report/svg/canvas.h"

namespace strata::report {

enum class Width { Half, Full };

/// Cells are text; a column whose cells all look like numbers is set right-aligned. Short rows are padded.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

class Page {
 public:
  explicit Page(std::string title, std::string subtitle = {});

  /// A figure of the summary on top of the page.
  Page& card(std::string_view label, std::string_view value, std::string_view detail = {});
  Page& section(std::string_view heading);
  Page& paragraph(std::string_view text);
  Page& table(const Table& table);
  Page& svg(const Svg& drawing, Width width = Width::Half, std::string_view caption = {});
  /// `png` is the content of a PNG file; `alt` says in words what it shows.
  Page& png(std::string_view png, std::string_view alt, Width width = Width::Full, std::string_view caption = {});
  /// Preformatted text with a label, such as a generated sample: lines are wrapped, spaces kept.
  Page& sample(std::string_view label, std::string_view text);
  /// Preformatted text that is folded away until its summary is clicked.
  Page& details(std::string_view summary, std::string_view text);

  std::string html() const;
  /// Writes html() to a file in one step. Throws E0002.
  void write(const std::string& path) const;

 private:
  void leave_figures();
  void figure(Width width, const std::string& content, std::string_view caption);

  std::string title_, subtitle_, cards_, body_, contents_;
  int sections_ = 0;
  bool in_figures_ = false;  ///< a row of figures is open in body_
};

}  // namespace strata::report
