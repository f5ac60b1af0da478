#include "strata/models/list.h"

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::models {

// Each stands beside its model, and needs no header for this.
extern const Architecture kLeNetArchitecture;
extern const Architecture kGptArchitecture;
extern const Architecture kResNetArchitecture;
extern const Architecture kMobileNetArchitecture;

namespace {

constexpr const Architecture* kArchitectures[] = {
    &kLeNetArchitecture,  // the default
    &kGptArchitecture,
    &kResNetArchitecture,
    &kMobileNetArchitecture,
};

}  // namespace

std::span<const Architecture* const> architectures() { return kArchitectures; }

const Architecture& architecture(std::string_view name) {
  for (const Architecture* one : kArchitectures)
    if (one->name == name) return *one;
  throw base::Error(base::code::kBug, "no architecture is called " + std::string(name));
}

}  // namespace strata::models
