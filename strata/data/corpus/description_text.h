// Debian's package descriptions (the Translation-en index) as documents. One stanza a package:
//
//   Package: hello
//   Description-md5: ...
//   Description-en: the synopsis
//    A paragraph, each line after a space.
//    .
//     a line after two spaces is set as it stands: code, or a list
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::data {

/// The paragraphs of each description that has any, in the order of the index. Synopses, lists and code are left out.
std::vector<std::vector<std::string>> description_documents(std::string_view index);

}  // namespace strata::data
