// What runs a lazy recording: the code of a program without jit.
//
// Background: a recording runs op by op when it is new. One that comes again, with whatever numbers and sizes, is
// compiled as one program by a thread beside, and runs so from then on. Nothing waits for that, and the bits are the
// same. One that can't be compiled stays as it is; capture_report() says why.
#pragma once

#include <cstdint>
#include <string_view>

namespace strata {

enum class LazyCompilation : uint8_t {
  Background,  ///< op by op, until it has been compiled beside
  AtOnce,      ///< compiled before it runs
  Never,       ///< op by op
};

/// By its word: background, at-once or never (E0116).
LazyCompilation lazy_compilation_named(std::string_view word);

/// Of the process. Not set: what STRATA_LAZY says, else Background.
void set_lazy_compilation(LazyCompilation how);
/// E0116 for another word in STRATA_LAZY.
LazyCompilation lazy_compilation();

/// Sets it for a scope.
class LazyCompilationScope {
 public:
  explicit LazyCompilationScope(LazyCompilation how) : before_(lazy_compilation()) { set_lazy_compilation(how); }
  ~LazyCompilationScope() { set_lazy_compilation(before_); }
  LazyCompilationScope(const LazyCompilationScope&) = delete;

 private:
  LazyCompilation before_;
};

/// Returns when nothing is being compiled beside, nor waits for it: before a measurement.
void wait_for_compilations();

}  // namespace strata
