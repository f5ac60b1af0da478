// Which iteration needs which: exact relations between the iterations of statements.
//
//   flow     an element is written, then read, with no write between: the value is passed on
//   anti     it is read, then written: the old value is needed before
//   output   it is written, then written again, with no write between
//
// Every pair of accesses to one element of which one writes follows from a chain of these, so a schedule that keeps
// them keeps the bits, those of sums in a fixed order included: a chain of additions is a chain of flows.
#pragma once

#include "strata/compiler/loop/poly/control_part.h"

namespace strata::compiler::poly {

struct Dependences {
  isl::union_map flow, anti, output;
  isl::union_map all() const { return flow.unite(anti).unite(output); }
};

Dependences find_dependences(const ControlPart& part);

}  // namespace strata::compiler::poly
