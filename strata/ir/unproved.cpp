#include "strata/ir/unproved.h"

namespace strata::ir {
namespace {

thread_local UnprovedScope* innermost = nullptr;
thread_local uint64_t asked = 0;
thread_local Unproved latest;

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
  if (a.is_constant() && b.is_constant()) return;
  if (innermost) innermost->last_ = Unproved{a, b};
  latest = {a, b};
  ++asked;
}

uint64_t questions_asked() { return asked; }
const Unproved* question_since(uint64_t before) { return asked == before ? nullptr : &latest; }

void note_unproved(std::span<const Dim> a, std::span<const Dim> b) { static_cast<void>(proved_equal(a, b)); }

void note_symbolic(Dim d) { note_unproved(d, d); }

UnprovedScope::UnprovedScope() : before_(innermost) { innermost = this; }
UnprovedScope::~UnprovedScope() { innermost = before_; }

}  // namespace strata::ir
