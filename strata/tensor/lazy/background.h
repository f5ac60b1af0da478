// Compilations beside the program that runs: one thread, which takes jobs in order. It begins with the first job. The
// end of the process cancels the job under way and waits for it, so that no thread is left in the compiler when its
// memory goes: as the main thread's locals end, before any static object does. (What the compiler's libraries made
// during a job would go before a handler that was registered in front of it.)
#pragma once

#include <functional>

namespace strata::lazy {

/// Whether there is an end to wait at: the main thread has come here. It has when it recorded something itself.
bool may_compile_beside();

/// False when too many jobs are waiting or the process is ending: the caller may ask again later. A job throws nothing.
bool post_compilation(std::function<void()> job);

}  // namespace strata::lazy
