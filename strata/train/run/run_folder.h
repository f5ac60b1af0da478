// The folder of one training run:
//
//   config.toml              resolved: reproduces the run
//   metrics.jsonl            one object a logged step
//   events.out.tfevents.*    the same for TensorBoard
//   checkpoint.safetensors   the last one; replaced atomically
//   summary.json, loss.svg, report.html, and what the task adds
//
// One process at a time trains in a folder; any number may read, since every file is replaced as a whole.
#pragma once

#include <optional>
#include <string>

#include "strata/base/bytes/folder_lock.h"

namespace strata::train {

enum class Start : uint8_t {
  Fresh,    ///< an existing run in the folder is an error (E0701)
  Resume,   ///< the folder must hold a checkpoint (E0702)
  Replace,  ///< an existing run is overwritten
};

class RunFolder {
 public:
  /// Makes the folder, locks it for the life of the object (E0708 when another training has it), and checks that it can
  /// be written to (E0002). The run in it stays as it is: see remove_run().
  RunFolder(std::string path, Start start);
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  bool has(const std::string& name) const;

  /// Removes the files of the run that is there. A training that replaces one does so only when its own first step is
  /// done: a misspelt path or a step that isn't finite must not cost the old results.
  void remove_run() const;

 private:
  void remove_unfinished() const;

  std::string path_;
  std::optional<base::FolderLock> lock_;
};

/// Throws E0701 when the folder holds a run: something was measured or saved.
void require_no_run(const std::string& path);

}  // namespace strata::train
