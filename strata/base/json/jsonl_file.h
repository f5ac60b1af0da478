// A growing file with one JSON value a line (metrics of a run, tuning records).
#pragma once

#include <string>

#include "strata/base/bytes/line_file.h"
#include "strata/base/json/json.h"

namespace strata::base {

class JsonlFile {
 public:
  /// Opens or makes the file; a torn last line is cut off. Throws E0002.
  explicit JsonlFile(std::string path) : file_(std::move(path)) {}

  /// Appends the value as one line. Throws E0002.
  void append(const Json& value) { file_.append(value.dump()); }
  const std::string& path() const { return file_.path(); }

 private:
  LineFile file_;
};

}  // namespace strata::base
