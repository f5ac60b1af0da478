#include "strata/compiler/loop/schedule.h"

namespace strata::compiler {

ir::loops::Kernel schedule(const ir::loops::Kernel& naive, runtime::IsaLevel) { return naive; }

}  // namespace strata::compiler
