#include "strata/data/corpus/description_text.h"

#include <algorithm>
#include <utility>

#include "strata/data/corpus/prose.h"

namespace strata::data {
namespace {

/// A paragraph of which some lines are list items or code is none of prose: all of it goes.
bool is_set_as_it_stands(std::string_view line) {
  return line.size() < 2 || line[1] == ' ' || line[1] == '*' || line[1] == '-' || line[1] == '+';
}

}  // namespace

std::vector<std::vector<std::string>> description_documents(std::string_view index) {
  std::vector<std::vector<std::string>> documents;
  std::vector<std::string> paragraphs;
  std::string text;
  bool verbatim = false;
  const auto end_paragraph = [&] {
    std::string clean = single_spaced(text);
    if (!clean.empty() && !verbatim) paragraphs.push_back(std::move(clean));
    text.clear();
    verbatim = false;
  };
  while (!index.empty()) {
    const size_t end = std::min(index.find('\n'), index.size());
    const std::string_view line = index.substr(0, end);
    index.remove_prefix(std::min(end + 1, index.size()));
    if (line.empty() || line == " .") {
      end_paragraph();
      if (line.empty() && !paragraphs.empty()) documents.push_back(std::exchange(paragraphs, {}));
    } else if (line[0] == ' ') {
      verbatim = verbatim || is_set_as_it_stands(line);
      text += line;
    }
  }
  end_paragraph();
  if (!paragraphs.empty()) documents.push_back(std::move(paragraphs));
  return documents;
}

}  // namespace strata::data
