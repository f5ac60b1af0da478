// Every error code with its kind and its page. One list per layer in catalog/, so that a layer's codes stand together:
// E00xx base, E01xx ir and ops, E02xx transform, E03xx compiler, E04xx runtime, E05xx tensor, nn and optim,
// E06xx text, data, formats and report, E07xx train and cli, E09xx internal.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "strata/base/error/error.h"

namespace strata::base {

struct ErrorPage {
  ErrorCode code;
  ErrorKind kind;
  std::string_view title;  ///< one line
  std::string_view page;   ///< what it means, an example, and how to mend it (Markdown)
};

/// The page of a code, or nullptr.
const ErrorPage* find_error_page(std::string_view code);

/// All pages in the order of their codes.
std::vector<const ErrorPage*> all_error_pages();

std::span<const ErrorPage> base_error_pages();
std::span<const ErrorPage> ir_error_pages();
std::span<const ErrorPage> transform_error_pages();
std::span<const ErrorPage> compiler_error_pages();
std::span<const ErrorPage> runtime_error_pages();
std::span<const ErrorPage> tensor_error_pages();
std::span<const ErrorPage> data_error_pages();
std::span<const ErrorPage> train_error_pages();
std::span<const ErrorPage> internal_error_pages();

}  // namespace strata::base
