// Debian's archive, read through apt with lists and downloads in a folder of our own: the system's package lists,
// caches and installed packages stay as they are, and no privilege is needed.
#pragma once

#include <string>
#include <vector>

namespace strata::data {

struct DebianPackage {
  std::string name, version;
  std::string path;  ///< of the .deb in our folder, once fetched
  std::string sha256;
};

class DebianArchive {
 public:
  /// Keeps lists, downloads and apt's configuration below `folder`.
  explicit DebianArchive(std::string folder);

  /// Fetches the lists of the system's package sources, with the English descriptions. When that fails and lists of an
  /// earlier time are there, they are used. Throws E0650.
  void update();

  /// Paths of the indices of English descriptions, sorted. Throws E0650 when there is none.
  std::vector<std::string> description_lists() const;

  /// The versions that apt would take, and where their files will be. Throws E0650, naming a package that can't be had.
  std::vector<DebianPackage> plan(const std::vector<std::string>& names) const;
  /// Downloads the files that aren't there yet or are damaged; apt checks signatures and hashes. Throws E0650.
  void fetch(const std::vector<DebianPackage>& packages) const;

 private:
  std::vector<std::string> apt(std::vector<std::string> arguments) const;

  std::string folder_;
};

struct TarVisitor;

/// Walks through the files of a .deb without unpacking it to disk. Throws E0651, E0652.
void read_deb(const std::string& path, const TarVisitor& visitor);

}  // namespace strata::data
