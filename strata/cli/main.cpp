#include <string>
#include <vector>

#include "strata/cli/command.h"

int main(int argc, char** argv) { return strata::cli::run(std::vector<std::string>(argv + 1, argv + argc)); }
