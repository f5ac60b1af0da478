#include "strata/ir/unproved.h"

namespace strata::ir {
namespace {

thread_local UnprovedScope* innermost = nullptr;

}  // namespace

bool proved_equal(Dim a, Dim b) {
  if (a == b) return true;
  note_unproved(a, b);
  return false;
}

bool proved_equal(std::span<const Dim> a, std::span<const Dim> b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!proved_equal(a[i], b[i])) return false;
  return true;
}

void note_unproved(Dim a, Dim b) {
  if (innermost && !(a.is_constant() && b.is_constant())) innermost->last_ = Unproved{a, b};
}

void note_unproved(std::span<const Dim> a, std::span<const Dim> b) { static_cast<void>(proved_equal(a, b)); }

void note_symbolic(Dim d) { note_unproved(d, d); }

UnprovedScope::UnprovedScope() : before_(innermost) { innermost = this; }
UnprovedScope::~UnprovedScope() { innermost = before_; }

}  // namespace strata::ir
