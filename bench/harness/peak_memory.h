// How much memory a process takes for some work, as the system counts it: the same for us and for peers written in
// Python (bench/peers/line_protocol.py), so that nobody's bookkeeping is believed.
#pragma once

#include <cstdint>
#include <functional>

namespace strata::bench {

/// Makes the work, runs it once, and runs it twice again: by how many bytes the resident memory of this process at most
/// exceeded meanwhile what it was before. What the first run alone takes (compiling, loading code) does not count as
/// long as it is given back. Needs a fresh process, and Linux: E0710 where it does not tell.
int64_t peak_memory_of(const std::function<std::function<void()>()>& make);

}  // namespace strata::bench
