// One word by which files that people read name a machine.
#pragma once

#include <string>

namespace strata::machine {

/// Of this machine: vendor, model, and a hash of what cpu_fingerprint() says and of the sizes of the caches, as
/// "AuthenticAMD-00a00f11-5d2c19aa". Measurements of one machine say nothing about another.
const std::string& machine_word();

}  // namespace strata::machine
