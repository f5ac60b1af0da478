// Options that take a number, read strictly: CLI11 lets -1 and 2^64 wrap around in unsigned options, accepts nan, and
// prints the bounds of a double with 300 digits.
#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace strata::cli {

/// Adds `--name N`, a whole number from low to high.
void add_whole_number(CLI::App& app, const std::string& name, int64_t& value, int64_t low, int64_t high,
                      const std::string& help);

/// Any 64 bits, from 0.
void add_seed(CLI::App& app, const std::string& name, uint64_t& value, const std::string& help);

/// Adds `--name X`, a finite number of at least `low`.
void add_real_number(CLI::App& app, const std::string& name, double& value, double low, const std::string& help);

}  // namespace strata::cli
