#include "strata/data/corpus/near_duplicates.h"

#include "strata/base/random/splitmix64.h"

namespace strata::data {
namespace {

constexpr size_t kRun = 4;          // words
constexpr size_t kLeastWords = 20;  // a shorter paragraph has too few runs to sketch
constexpr uint32_t kEmpty = 0xFFFFFFFF;

/// Hashes of the words, in lower case, without marks, every digit the same.
std::vector<uint64_t> word_hashes(std::string_view text) {
  std::vector<uint64_t> words;
  uint64_t hash = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    char c = i < text.size() ? text[i] : ' ';
    if (c >= '0' && c <= '9') c = '0';
    const bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
    if (letter || c == '0') {
      hash = (hash ^ static_cast<uint64_t>(letter ? c | 32 : c)) * 0x100000001B3u + base::kGoldenRatio64;
    } else if (c == ' ' && hash != 0) {
      words.push_back(base::mix_bits(hash));
      hash = 0;
    }
  }
  return words;
}

}  // namespace

bool NearDuplicates::seen(std::string_view paragraph) {
  const std::vector<uint64_t> words = word_hashes(paragraph);
  uint64_t whole = words.size();
  for (const uint64_t word : words) whole = base::mix_bits(whole * base::kGoldenRatio64 ^ word);
  if (!exact_.insert(whole).second) return true;
  return words.size() >= kLeastWords && near_seen(words);
}

bool NearDuplicates::near_seen(const std::vector<uint64_t>& words) {
  Sketch sketch;
  sketch.fill(kEmpty);
  for (size_t i = 0; i + kRun <= words.size(); ++i) {
    uint64_t run = 0;
    for (size_t k = 0; k < kRun; ++k) run = (run ^ words[i + k]) * 0xD1B54A32D192ED03u;
    run = base::mix_bits(run);
    uint32_t& place = sketch[run >> 60];
    place = std::min(place, static_cast<uint32_t>(run));
  }
  std::array<uint64_t, kBands> keys;
  for (size_t band = 0; band < kBands; ++band) {
    keys[band] = band;
    for (size_t row = 0; row < kRows; ++row)
      keys[band] = base::mix_bits(keys[band] * base::kGoldenRatio64 ^ sketch[band * kRows + row]);
    const auto found = bands_[band].find(keys[band]);
    if (found == bands_[band].end()) continue;
    int alike = 0;
    for (size_t p = 0; p < kPlaces; ++p) alike += sketch[p] == sketches_[found->second][p];
    if (alike >= kAlikePlaces) return true;
  }
  for (size_t band = 0; band < kBands; ++band) bands_[band].emplace(keys[band], sketches_.size());
  sketches_.push_back(sketch);
  return false;
}

}  // namespace strata::data
