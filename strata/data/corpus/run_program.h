// Runs another program and reads what it prints: apt and dpkg-deb, which know Debian's archives better than we should.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "strata/data/corpus/tar_reader.h"

namespace strata::data {

struct ProgramRun {
  int exit_code = 0;  ///< 128 + signal when one ended it
  std::string out;    ///< what it printed
  std::string err;    ///< what it complained of, the last 64 KiB
};

struct ProgramOptions {
  std::string folder;  ///< to run in; empty: ours
  std::function<void(const ByteSource& out)> read_out =
      {};  ///< takes the output as it comes, instead of ProgramRun::out
};

/// Runs argv[0], looked for in PATH, with LC_ALL=C.UTF-8 and no input, and waits for it. Throws E0651 when it can't be
/// started. What read_out throws is thrown on, after the program has ended.
ProgramRun run_program(const std::vector<std::string>& argv, const ProgramOptions& options = {});

}  // namespace strata::data
