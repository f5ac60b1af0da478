// The corpus of the demo: neutral technical English, about 35 MB, from Debian's package descriptions and manuals.
//
//   <cache>/corpus/
//     train.txt held_out.txt   a paragraph a line, an empty line after each document; documents ordered by their hash
//     manifest.json            versions of the packages, sizes and SHA-256 of both: what makes the cache valid
//     apt/                     lists and archives, downloaded by apt without touching the system
//
// The same packages give the same bytes. Needs apt-get and dpkg-deb (any Debian), the network for the first build, and
// no privilege.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::data {

/// Where the corpus is kept: the cache's folder, and its default when STRATA_CACHE is set to nothing, since a corpus
/// has to lie somewhere. Throws E0651 when there is neither.
std::string cache_folder();

struct CorpusOptions {
  std::string cache;     ///< empty: cache_folder()
  bool refresh = false;  ///< asks the network for newer packages though a corpus is there
  /// Free bytes that the cache's disk must have to build one: lists, packages and text together take 200 MB.
  uint64_t least_room_bytes = 300'000'000;
};

struct CorpusPackage {
  std::string name, version;
};

struct Corpus {
  std::string train_path, held_out_path;
  uint64_t train_bytes = 0, held_out_bytes = 0;  ///< the latter exactly 1,000,000
  uint64_t train_documents = 0, held_out_documents = 0;
  std::string train_sha256, held_out_sha256;
  std::vector<CorpusPackage> packages;
};

/// The cached corpus, or else builds it, with a progress bar on stderr: about half a minute. A damaged cache is built
/// anew. Throws E0650 (offline, or a package is missing: named), E0651, E0002 (too little
/// room on the disk).
///
///   Corpus corpus = data::debian_corpus();
///   MappedFile text = MappedFile::open(corpus.train_path).value();
Corpus debian_corpus(const CorpusOptions& options = {});

}  // namespace strata::data
