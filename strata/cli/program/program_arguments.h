// What a command runs a program on: arrays from files, from the command line, or made up.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "strata/formats/safetensors/reader.h"
#include "strata/ir/graph/graph.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/host_array.h"

namespace strata::cli {

class CommandLine;

/// Files that are opened once, however many tensors are taken from them.
class ArrayFiles {
 public:
  const formats::SafetensorsFile& open(const std::string& path);

 private:
  std::map<std::string, formats::SafetensorsFile> files_;
};

struct ArgumentOptions {
  std::vector<std::string> inputs;     ///< safetensors files
  std::vector<std::string> arguments;  ///< texts, of the first parameters
  std::vector<std::string> dims;       ///< "B=64"
  uint64_t seed = 1;
  bool are_finite = false;  ///< those that are made up hold no NaN and no infinity
};

void add_arguments(CommandLine& line, ArgumentOptions& options);

/// --arg. The reader's error, which names the option then.
ir::HostArray array_given(const std::string& text);

/// --dim NAME=N, each name once. E0710 for what is written in another way.
std::vector<std::pair<std::string, int64_t>> dims_listed(const std::vector<std::string>& texts);
/// All of them as numbers of the program's symbols. E0710 for what is no such, E0111 for what its facts refuse.
ir::DimBinding dims_given(const std::vector<std::string>& texts, const ir::Graph& graph);

/// An array for each parameter: by name from the files, else from the texts in order, else random of the given extents,
/// or of small ones that the facts allow. E0752 for a file none of whose tensors is a parameter, E0110 for arrays that
/// don't fit.
std::vector<ir::HostArray> program_arguments(const ir::Graph& graph, const ArgumentOptions& options);

}  // namespace strata::cli
