// For tests: the whole text of the error that something raises, so that a test can state it word for word; or its code.
#pragma once

#include <functional>
#include <string>

#include "strata/base/error/error.h"

namespace strata::base {

/// Source positions without their folder and line, which change with every edit: "x/a_test.cpp:12" becomes
/// "a_test.cpp".
inline std::string without_lines(std::string text) {
  for (const std::string_view ending : {".cpp:", ".h:"})
    for (size_t at = 0; (at = text.find(ending, at)) != text.npos;) {
      const size_t colon = at + ending.size() - 1, start = text.find_last_of(" \n", at) + 1;
      const size_t digits = text.find_first_not_of("0123456789", colon + 1);
      text.erase(colon, (digits == text.npos ? text.size() : digits) - colon);
      if (const size_t slash = text.rfind('/', at); slash != text.npos && slash >= start)
        text.erase(start, slash + 1 - start), at = start;
      else
        ++at;
    }
  return text;
}

/// error[CODE]: message, notes and hints of what `trigger` throws; "no error" if nothing.
inline std::string message_of(const std::function<void()>& trigger) {
  try {
    trigger();
  } catch (const Error& error) {
    return without_lines(error.text());
  }
  return "no error";
}

/// "E0116": the code of what `trigger` throws; "no error" if nothing. What is no Error passes.
inline std::string code_of(const std::function<void()>& trigger) {
  try {
    trigger();
  } catch (const Error& error) {
    return std::string(error.code().str());
  }
  return "no error";
}

}  // namespace strata::base
