// manifest.json beside a corpus: what it was made from and what its files must be.
#pragma once

#include <optional>
#include <string>

#include "strata/base/json/json.h"
#include "strata/data/corpus/corpus.h"

namespace strata::data {

/// Writes <folder>/manifest.json in one step; last of all, since a corpus without one doesn't count.
void write_manifest(const std::string& folder, const Corpus& corpus);

/// The corpus in the folder, if its manifest is of this recipe and both files have the size and SHA-256 that it says.
std::optional<Corpus> read_manifest(const std::string& folder);

}  // namespace strata::data
