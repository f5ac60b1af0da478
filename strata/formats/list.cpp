// The list of formats. Each stands beside its reader and writer, and needs no header for this.
#include "strata/formats/format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "strata/base/error/codes/data_codes.h"

namespace strata::formats {

extern const Format kSafetensors;

namespace {

constexpr const Format* kFormats[] = {
    &kSafetensors,  // the default
};

}  // namespace

std::span<const Format* const> formats() { return kFormats; }

const Format& format_of(std::string_view path) {
  for (const Format* format : kFormats)
    if (path.ends_with(format->suffix)) return *format;
  return *kFormats[0];
}

const Format& format_to_write(std::string_view path) {
  std::vector<std::string_view> suffixes;
  for (const Format* format : kFormats) {
    if (path.ends_with(format->suffix)) return *format;
    suffixes.push_back(format->suffix);
  }
  throw base::Error(base::code::kUnwritableTensors, fmt::format("{}: no format of tensors has this suffix, expected {}",
                                                                path, fmt::join(suffixes, ", ")));
}

}  // namespace strata::formats
