#include "strata/compiler/loop/poly/isl_session.h"

#include <fmt/format.h>
#include <isl/ctx.h>
#include <isl/options.h>
#include <isl/union_map.h>

#include <sstream>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/internal_codes.h"
#include "strata/base/error/error.h"

namespace strata::compiler::poly {

IslSession::IslSession(uint64_t most_operations) : context_(isl_ctx_alloc()) {
  isl_options_set_on_error(context_, ISL_ON_ERROR_CONTINUE);
  isl_ctx_set_max_operations(context_, most_operations);
  // Loops with one upper bound, and divisions whose operand can't be negative: what a For of ours says. Conditions may
  // hold an `or`: without (ast_build_allow_or) a condition of two pieces becomes a block of two branches, and isl hangs
  // what else belongs under that condition into the block as if it were a branch, where nobody finds it again.
  isl_options_set_ast_build_atomic_upper_bound(context_, 1);
  isl_options_set_ast_build_prefer_pdiv(context_, 1);
  isl_options_set_ast_build_detect_min_max(context_, 1);
}

IslSession::~IslSession() { isl_ctx_free(context_); }

bool IslSession::is_spent() const {
  try {
    return set("{ [i] : 0 <= i < 4 }").is_empty();
  } catch (const isl::exception&) {
    return true;
  }
}

bool finds_no_schedule(const isl::exception& error) {
  return std::string_view(error.what()).find("unable to carry dependences") != std::string_view::npos;
}

void with_isl_errors(const IslSession& isl, const std::string& what, int64_t effort,
                     const std::function<void()>& work) {
  try {
    work();
  } catch (const isl::exception& error) {
    if (finds_no_schedule(error))
      throw base::Error(base::code::kPolyhedralLimit,
                        fmt::format("isl finds no schedule for all dependences, {}", what))
          .hint("`poly apart` and `poly auto` ask it for different bands");
    // isl's own readers call it a syntax error when they are stopped.
    if (!isl.is_spent()) throw base::Error(base::code::kBug, fmt::format("isl failed, {}: {}", what, error.what()));
    throw base::Error(
        base::code::kPolyhedralLimit,
        fmt::format("the polyhedral scheduler gave up after {} thousand operations of isl, {}", effort, what))
        .hint("`poly effort by N` allows more; fewer statements, or unit steps, need less");
  }
}

isl::union_map side_by_side(const isl::union_map& a, const isl::union_map& b) {
  return isl::manage(isl_union_map_flat_range_product(a.copy(), b.copy()));
}

namespace {

template <class Of>
std::string without_parameters(const Of& of) {
  std::ostringstream stream;
  stream << of;
  const std::string text = stream.str();
  const size_t arrow = text.find("] -> {");
  return text.starts_with("[") && arrow != std::string::npos ? text.substr(arrow + 5) : text;
}

}  // namespace

std::string readable(const isl::set& set) { return without_parameters(set); }
std::string readable(const isl::map& map) { return without_parameters(map); }

}  // namespace strata::compiler::poly
