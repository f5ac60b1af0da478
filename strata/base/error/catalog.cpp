#include "strata/base/error/catalog.h"

#include <algorithm>

namespace strata::base {

std::vector<const ErrorPage*> all_error_pages() {
  std::vector<const ErrorPage*> pages;
  for (auto list :
       {base_error_pages(), ir_error_pages(), transform_error_pages(), compiler_error_pages(), runtime_error_pages(),
        tensor_error_pages(), data_error_pages(), train_error_pages(), internal_error_pages()})
    for (const ErrorPage& page : list) pages.push_back(&page);
  std::sort(pages.begin(), pages.end(), [](auto* a, auto* b) { return a->code.str() < b->code.str(); });
  return pages;
}

const ErrorPage* find_error_page(std::string_view code) {
  for (const ErrorPage* page : all_error_pages())
    if (page->code == code) return page;
  return nullptr;
}

}  // namespace strata::base
