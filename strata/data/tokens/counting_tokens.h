// For tests: a file of the ids 0 .. count-1 of a vocabulary of 1000. The bytes that they stand for don't matter.
#pragma once

#include <memory>
#include <string>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/hash.h"
#include "strata/data/tokens/token_file.h"

namespace strata::data {

inline std::shared_ptr<const TokenFile> counting_tokens(const std::string& folder, int count) {
  base::ByteWriter header, ids;
  header.text("STRATOK2").little(uint32_t{2}).little(uint32_t{1000}).little(static_cast<uint64_t>(count));
  header.little(uint64_t{1}).little(uint64_t{0}).little(uint64_t{0});
  for (int i = 0; i < count; ++i) ids.little(static_cast<uint16_t>(i));
  const base::Hash128 sum = base::combine(base::hash_text(header.str()), base::hash_text(ids.str()));
  header.little(sum.lo).little(sum.hi);
  base::write_file(folder + "/ids", header.str() + ids.str());
  return std::make_shared<const TokenFile>(TokenFile::open(folder + "/ids").value());
}

}  // namespace strata::data
