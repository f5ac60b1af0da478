// program_reader FILE BATCH: runs a program file on made-up arguments, with BATCH for each symbolic extent, and prints
// the hash of the results. Exits with 3 if a compiler is in the process.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "strata/base/bytes/hash.h"
#include "strata/base/error/error.h"
#include "strata/ops/list.h"
#include "strata/runtime/program/program_file.h"
#include "tests/program_files/made_up_arguments.h"

namespace {

bool has_compiler() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find("LLVM") != line.npos) return true;
  return false;
}

}  // namespace

int main(int count, char** words) try {
  if (count != 3) return 1;
  if (has_compiler()) return 3;
  const auto file = strata::runtime::read_program(words[1], {.ops = strata::ops::op_table()});
  auto arguments = strata::made_up_arguments(*file.program, std::atoll(words[2]));
  std::puts(strata::hash_of(file.program->run(std::move(arguments))).c_str());
  return 0;
} catch (const strata::base::Error& error) {
  std::fputs(error.text().c_str(), stderr);
  return 1;
}
