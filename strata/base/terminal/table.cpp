#include "strata/base/terminal/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::base {

void Table::add(std::vector<std::string> cells) {
  if (cells.size() > columns_.size())
    throw Error(code::kBug,
                fmt::format("table: a row has {} cells, the table {} columns", cells.size(), columns_.size()));
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = display_width(columns_[c].head);
    for (const auto& row : rows_) width = std::max(width, display_width(row[c]));
    widths.push_back(width);
  }
  std::string text;
  const auto add_line = [&](auto&& cell) {
    std::string line;
    for (size_t c = 0; c < columns_.size(); ++c) line += (c > 0 ? "  " : "") + cell(c);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add_line([&](size_t c) { return pad_to(columns_[c].head, widths[c], columns_[c].align); });
  add_line([&](size_t c) {
    std::string rule;
    for (size_t i = 0; i < widths[c]; ++i) rule += "─";
    return rule;
  });
  for (const auto& row : rows_) add_line([&](size_t c) { return pad_to(row[c], widths[c], columns_[c].align); });
  return text;
}

std::string Table::markdown() const {
  std::string text = "|", rule = "|";
  for (const Column& column : columns_) {
    text += " " + column.head + " |";
    rule += column.align == Align::Right ? "---:|" : "---|";
  }
  text += "\n" + rule + "\n";
  for (const auto& row : rows_) {
    text += "|";
    for (const std::string& cell : row) text += " " + cell + " |";
    text += "\n";
  }
  return text;
}

}  // namespace strata::base
