// Keeps other processes out of a folder that this one writes to. The kernel holds the lock and gives it back when the
// process ends, however it ends, so no file is left behind that says "locked". Readers don't ask for it.
#pragma once

#include <optional>
#include <string>

namespace strata::base {

class FolderLock {
 public:
  /// Nothing when another holder (of this process too) has the folder. Where the file system can't lock (some network
  /// ones) every lock is granted. Throws E0002 when there is no such folder.
  static std::optional<FolderLock> take(const std::string& folder);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;  ///< of the folder itself
};

}  // namespace strata::base
