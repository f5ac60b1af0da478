// The list of formats. Each stands beside its reader and writer, and needs no header for this.
#include "strata/formats/format.h"

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

}  // namespace strata::formats
