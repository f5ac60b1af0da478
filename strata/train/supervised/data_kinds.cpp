#include "strata/train/supervised/data_kinds.h"

#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::train {

// Each stands beside its reader, and needs no header for this.
extern const DataKind kFashionMnistKind;
extern const DataKind kImagesKind;
extern const DataKind kCorpusKind;
extern const DataKind kKingJamesKind;
extern const DataKind kTextKind;

namespace {

constexpr const DataKind* kDataKinds[] = {
    &kFashionMnistKind,  // the default
    &kImagesKind,       &kCorpusKind, &kKingJamesKind, &kTextKind,
};

}  // namespace

std::span<const DataKind* const> data_kinds() { return kDataKinds; }

const DataKind& data_kind(std::string_view name) {
  for (const DataKind* kind : kDataKinds)
    if (kind->name == name) return *kind;
  throw base::Error(base::code::kBug, "no data are called " + std::string(name));
}

}  // namespace strata::train
