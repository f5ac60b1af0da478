// A loop program as a static control part: what the polyhedral scheduler can know exactly.
//
//   statements   stores, and what locals are set to; each has a domain, the iterations of the loops around it
//   arrays       buffers; and a local or scratch buffer, with an index in front for each loop around its declaration:
//                every iteration then has its own, and only what is really passed on is a dependence
//   accesses     which element of which array an iteration reads or writes
//
// Bounds, conditions of branches and indices of what is written are affine in loop variables and dimensions, with floor
// divisions and remainders by constants; a product of dimensions is a parameter of its own. What an input is read at is
// free, since nobody writes there. Values are never looked into.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "strata/compiler/loop/poly/isl_session.h"
#include "strata/ir/loops/kernel.h"

namespace strata::compiler::poly {

struct Array {
  std::string name;
  const ir::loops::Buffer* buffer = nullptr;  ///< null: a local
  const ir::loops::Local* local = nullptr;
  std::vector<const ir::loops::LoopVar*> expanded;  ///< an index in front of its own for each
  size_t rank = 0;                                  ///< with those
  /// Scratch or a local: it may lie elsewhere, in as few elements as are alive at once.
  bool is_private = false;
  ir::DType dtype = ir::DType::f32;
};

struct ArrayAccess {
  int array = 0;
  bool is_write = false;
  isl::map relation;  ///< from the statement's domain to the array's elements
};

struct Statement {
  std::string name;                              ///< "S0"
  std::vector<const ir::loops::LoopVar*> loops;  ///< outermost first: the dimensions of the domain
  ir::loops::StmtPtr stmt;  ///< Store, Assign or Declare; reads of `let`s that cost nothing inlined
  isl::set domain;
  std::vector<ArrayAccess> accesses;
};

struct ControlPart {
  std::vector<Array> arrays;
  std::vector<Statement> statements;
  std::map<std::string, ir::loops::Expr> parameters;  ///< by their name in isl
  isl::set context;                                   ///< what is known of them
  isl::union_set domain;
  isl::union_map reads, writes;
  isl::union_map order;  ///< as written

  int array_of(const ir::loops::Buffer* buffer) const;
  int array_of(const ir::loops::Local* local) const;
  const Statement& statement(const std::string& name) const;
};

/// E0340 with the line for what is no static control part.
ControlPart read_control_part(const ir::loops::Kernel& kernel, const IslSession& isl);

}  // namespace strata::compiler::poly
