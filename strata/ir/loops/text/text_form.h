// The text form of loop programs: printing and parsing. Text that parses prints, and what is printed parses to a
// program that prints the same.
//
//   kernel @name(%x: f32[B,784], %s: inout f32[4]) -> (%y: f32[B]) dims(B) where B in [1, 64], B % 4 == 0 {
//     parallel i in 0..B step 4 { ... }       for, vector, unrolled alike
//     parallel i in 0..6*B waves B { ... }    a wave of B tasks after the other
//     while lt(n, 10) { ... }    if lt(i, 3) { ... } else { ... }    { ... }
//     let t: f32x8 = %x[i, ramp(j, 1, 8)]     var acc: f32 = 0.0     acc = fma(t, 2.0, acc)
//     scratch %p: f32[16,8]    register %c: f32[6,16]
//     %y[i] = acc where lt(i, n)              a store under a mask
//     check lt(i, n), code 3, index i
//     prefetch %x[i + 8, 0]                   soon read; may lie outside of the buffer
//     def $0 = mul(acc, acc)                  a name for part of the next statement, so that shared parts print once
//   }
//
// Integers of type i64 print with + - *, all else as calls; a literal takes the type of what stands beside it or its
// own: 1.0f32, 3u8, bits(f32, 0x7fc00001). dims(...) may be left out where the order is that of the shapes of the
// parameters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "strata/base/error/error.h"
#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {

/// Names that are taken or not usable get numbers: i, i_1; the same program always prints the same.
std::string print(const Kernel& kernel);
/// For messages: one statement (of a For or If only the head) or expression, names as they are.
std::string print_head(const Stmt& stmt);
std::string print(Expr e);

/// One kernel, verified. Errors: E0120 with line and column, E0121 for what verify.h refuses.
base::Result<Kernel> parse_kernel(std::string_view text);
/// Any number of kernels, with // comments between.
base::Result<std::vector<Kernel>> parse_kernels(std::string_view text);

/// True of names that the text form can't use for dimensions, variables and buffers.
bool is_reserved_word(std::string_view name);
/// [A-Za-z_][A-Za-z0-9_]*
bool is_identifier(std::string_view name);

}  // namespace strata::ir::loops
