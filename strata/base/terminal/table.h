// Tables of text for closing reports: columns as wide as their widest cell, a rule under the heads.
//
//   Table table({{"model"}, {"tok/s", Align::Right}});
//   table.add({"gpt_small", "8.1 k"});
//   std::string text = table.text();
#pragma once

#include <string>
#include <vector>

#include "strata/base/terminal/display_width.h"

namespace strata::base {

struct Column {
  std::string head;
  Align align = Align::Left;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Cells beyond the columns are an error (E0900); missing ones are empty.
  void add(std::vector<std::string> cells);
  size_t rows() const { return rows_.size(); }

  /// The lines, each with its newline, none with spaces at the end.
  std::string text() const;
  /// The same as a Markdown table.
  std::string markdown() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace strata::base
