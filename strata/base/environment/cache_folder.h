// Where Strata keeps what it can make again: compiled kernels, the corpus, the measured peaks of the machine.
#pragma once

#include <string>

namespace strata::base {

/// $XDG_CACHE_HOME/strata, else ~/.cache/strata; empty where neither variable is set.
std::string default_cache_folder();

/// $STRATA_CACHE, else the default. Empty when the variable is set to nothing, which asks for no cache, and where there
/// is no default.
std::string cache_folder();

}  // namespace strata::base
