#include "strata/base/error/error.h"

#include <algorithm>
#include <numeric>

#include "strata/base/error/catalog.h"

namespace strata::base {

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {
  const ErrorPage* page = find_error_page(code.str());
  kind_ = page ? page->kind : ErrorKind::Internal;
  compose();
}

Error& Error::note(std::string text) & {
  notes_.push_back(std::move(text));
  compose();
  return *this;
}
Error&& Error::note(std::string text) && { return std::move(note(std::move(text))); }

Error& Error::hint(std::string text) & {
  hints_.push_back(std::move(text));
  compose();
  return *this;
}
Error&& Error::hint(std::string text) && { return std::move(hint(std::move(text))); }

void Error::compose() {
  text_ = "error[" + std::string(code_.str()) + "]: " + message_;
  for (const std::string& note : notes_) text_ += "\nnote: " + note;
  for (const std::string& hint : hints_) text_ += "\nhint: " + hint;
}

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::User:
      return 1;
    case ErrorKind::Environment:
      return 2;
    case ErrorKind::Internal:
      break;
  }
  return 3;
}

namespace {

/// Levenshtein distance of two short names, where two neighbours that are swapped are one slip.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, above, row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  const size_t limit = std::max<size_t>(1, name.size() / 3);
  std::optional<std::string> best;
  size_t best_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace strata::base
