#include "strata/train/run_folder.h"

#include <cstdio>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/error/error.h"

namespace strata::train {

RunFolder::RunFolder(std::string path, Start start) : path_(std::move(path)) {
  base::make_folders(path_);
  if (start == Start::Fresh && has("metrics.jsonl"))
    throw base::Error("E0701", "run folder " + path_ + " holds a run already")
        .hint("go on with it by --resume, overwrite it by --replace, or name another with --out");
  if (start == Start::Resume && !has("checkpoint.safetensors"))
    throw base::Error("E0702", "run folder " + path_ + " has no checkpoint.safetensors to resume from");
  base::write_file(file(".writable"), std::string_view());
  std::remove(file(".writable").c_str());
  if (start == Start::Replace) {
    if (auto names = base::list_folder(path_))
      for (const std::string& name : *names)
        if (name.starts_with("events.out.tfevents.") || name == "metrics.jsonl" || name == "checkpoint.safetensors")
          std::remove(file(name).c_str());
  }
}

bool RunFolder::has(const std::string& name) const { return base::is_file(file(name)); }

}  // namespace strata::train
