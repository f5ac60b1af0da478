// One use of isl: its context, which ends with the session, and a bound on the work that it may do. Everything that isl
// made goes before its session does.
//
// isl counts elementary operations, not seconds, so the same program ends in the same way on every machine.
#pragma once

#include <isl/cpp.h>

#include <functional>
#include <string>

namespace strata::compiler::poly {

class IslSession {
 public:
  explicit IslSession(uint64_t most_operations);
  ~IslSession();
  IslSession(const IslSession&) = delete;
  IslSession& operator=(const IslSession&) = delete;

  isl::ctx context() const { return context_; }
  /// Whether its operations are spent.
  bool is_spent() const;
  isl::set set(const std::string& text) const { return isl::set(context(), text); }
  isl::union_set union_set(const std::string& text) const { return isl::union_set(context(), text); }
  isl::map map(const std::string& text) const { return isl::map(context(), text); }
  isl::union_map union_map(const std::string& text) const { return isl::union_map(context(), text); }

 private:
  isl_ctx* context_;
};

/// Whether isl's scheduler ended without one, as opposed to other errors.
bool finds_no_schedule(const isl::exception& error);

/// Calls `work`. E0341 when isl comes to the end of its operations, `effort` thousands, E0900 when it fails otherwise;
/// `what` says what was being done.
void with_isl_errors(const IslSession& isl, const std::string& what, int64_t effort, const std::function<void()>& work);

/// x -> [a(x), b(x)], in one flat space.
isl::union_map side_by_side(const isl::union_map& a, const isl::union_map& b);

/// A set or relation as people read it, without the list of parameters in front.
std::string readable(const isl::set& set);
std::string readable(const isl::map& map);

}  // namespace strata::compiler::poly
