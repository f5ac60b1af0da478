// The folder of one training run:
//
//   config.toml              resolved: reproduces the run
//   metrics.jsonl            one object a logged step
//   events.out.tfevents.*    the same for TensorBoard
//   checkpoint.safetensors   the last one; replaced atomically
//   summary.json, loss.svg, report.html, and what the task adds
#pragma once

#include <string>

namespace strata::train {

enum class Start : uint8_t {
  Fresh,    ///< an existing run in the folder is an error (E0701)
  Resume,   ///< the folder must hold a checkpoint (E0702)
  Replace,  ///< an existing run is overwritten
};

class RunFolder {
 public:
  /// Makes the folder, and checks that it can be written to (E0002).
  RunFolder(std::string path, Start start);
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  bool has(const std::string& name) const;

 private:
  std::string path_;
};

}  // namespace strata::train
