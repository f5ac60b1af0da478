#include "strata/report/html/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "strata/base/bytes/atomic_file.h"
#include "strata/report/html/style.h"
#include "strata/report/markup/escape.h"
#include "strata/report/png/image.h"

namespace strata::report {
namespace {

/// A number, maybe with sign, separators, a suffix such as % or x, or one of the words that stand for no number.
bool looks_like_number(std::string_view text) {
  if (text.empty() || text == "-" || text == "nan" || text == "inf" || text == "-inf") return true;
  const std::size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
  if (sign >= text.size() || text[sign] < '0' || text[sign] > '9') return false;
  const std::size_t end = text.find_first_not_of("0123456789.,:eE+-", sign);
  return end == std::string_view::npos || text.size() - end <= 5;
}

std::vector<bool> number_columns(const Table& table) {
  std::vector<bool> numeric(table.columns.size(), !table.rows.empty());
  for (const std::vector<std::string>& row : table.rows) {
    for (std::size_t c = 0; c < std::min(row.size(), numeric.size()); ++c) {
      numeric[c] = numeric[c] && looks_like_number(row[c]);
    }
  }
  return numeric;
}

std::string table_row(const std::vector<std::string>& cells, const std::vector<bool>& numeric, std::string_view tag) {
  std::string out = "<tr>";
  for (std::size_t c = 0; c < numeric.size(); ++c) {
    out += fmt::format("<{0}{1}>{2}</{0}>", tag, numeric[c] ? " class=\"num\"" : "",
                       c < cells.size() ? escape_markup(cells[c]) : "");
  }
  return out + "</tr>\n";
}

std::string label_line(std::string_view css_class, std::string_view text) {
  return text.empty() ? "" : fmt::format("<div class=\"{}\">{}</div>\n", css_class, escape_markup(text));
}

/// <pre> drops a newline that follows it directly, so one is always put there.
std::string preformatted(std::string_view text) { return "<pre>\n" + escape_markup(text) + "</pre>\n"; }

}  // namespace

Page::Page(std::string title, std::string subtitle) : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

Page& Page::card(std::string_view label, std::string_view value, std::string_view detail) {
  cards_ += "<div class=\"card\">\n" + label_line("label", label) + label_line("value", value) +
            label_line("detail", detail) + "</div>\n";
  return *this;
}

void Page::leave_figures() {
  if (in_figures_) body_ += "</div>\n";
  in_figures_ = false;
}

Page& Page::section(std::string_view heading) {
  leave_figures();
  const std::string text = escape_markup(heading);
  body_ += fmt::format("<h2 id=\"s{}\">{}</h2>\n", ++sections_, text);
  contents_ += fmt::format("<a href=\"#s{}\">{}</a>\n", sections_, text);
  return *this;
}

Page& Page::paragraph(std::string_view text) {
  leave_figures();
  body_ += "<p>" + escape_markup(text) + "</p>\n";
  return *this;
}

Page& Page::table(const Table& table) {
  leave_figures();
  const std::vector<bool> numeric = number_columns(table);
  body_ += "<div class=\"scroll\"><table>\n<thead>" + table_row(table.columns, numeric, "th") + "</thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) body_ += table_row(row, numeric, "td");
  body_ += "</tbody></table></div>\n";
  return *this;
}

void Page::figure(Width width, const std::string& content, std::string_view caption) {
  if (!in_figures_) body_ += "<div class=\"figures\">\n";
  in_figures_ = true;
  body_ += width == Width::Full ? "<figure class=\"full\">\n" : "<figure>\n";
  body_ += content;
  if (!caption.empty()) body_ += "<figcaption>" + escape_markup(caption) + "</figcaption>\n";
  body_ += "</figure>\n";
}

Page& Page::svg(const Svg& drawing, Width width, std::string_view caption) {
  figure(width, drawing.markup, caption);
  return *this;
}

Page& Page::png(std::string_view png, std::string_view alt, Width width, std::string_view caption) {
  figure(width, fmt::format("<img alt=\"{}\" src=\"{}\">\n", escape_markup(alt), png_data_uri(png)), caption);
  return *this;
}

Page& Page::sample(std::string_view label, std::string_view text) {
  leave_figures();
  body_ += "<div class=\"sample\">\n" + label_line("label", label) + preformatted(text) + "</div>\n";
  return *this;
}

Page& Page::details(std::string_view summary, std::string_view text) {
  leave_figures();
  body_ += "<details>\n<summary>" + escape_markup(summary) + "</summary>\n" + preformatted(text) + "</details>\n";
  return *this;
}

std::string Page::html() const {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += fmt::format("<title>{}</title>\n<style>\n", escape_markup(title_));
  out += page_style();
  out += fmt::format("</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n", escape_markup(title_));
  if (!subtitle_.empty()) out += "<p class=\"subtitle\">" + escape_markup(subtitle_) + "</p>\n";
  if (sections_ > 1) out += "<nav>\n" + contents_ + "</nav>\n";
  if (!cards_.empty()) out += "<div class=\"cards\">\n" + cards_ + "</div>\n";
  out += body_;
  if (in_figures_) out += "</div>\n";
  return out + "</main>\n</body>\n</html>\n";
}

void Page::write(const std::string& path) const { base::write_file(path, html()); }

}  // namespace strata::report
