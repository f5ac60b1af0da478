// The one error type of Strata: a code, a message, and what a reader needs to mend it.
//
// Three kinds (house rule 10): User (the caller can fix it), Environment (memory, file, peer) and Internal (our bug).
// The kind follows from the code, which has a page in catalog/ (`strata error E0102`).
//
//   throw Error(code::kUnequalDims, fmt::format("dot: contracted dimensions differ: lhs {} has {}, rhs {} has {}",
//   ...))
//       .note("recorded at mlp.cpp:17 in hidden")
//       .hint("hidden.weight was loaded from mlp.safetensors with another input size");
//
// Messages are lower case without a full stop: the op or object, what differs, both values.
// Where failure is normal traffic (parsers, network) return Result<T> instead of throwing.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "strata/base/error/error_code.h"

namespace strata::base {

enum class ErrorKind { User, Environment, Internal };

class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);

  Error& note(std::string text) &;
  Error&& note(std::string text) &&;
  Error& hint(std::string text) &;
  Error&& hint(std::string text) &&;

  ErrorCode code() const { return code_; }
  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<std::string>& hints() const { return hints_; }

  /// The whole text: `error[CODE]: message`, then `note:` and `hint:` lines.
  const std::string& text() const { return text_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  void compose();

  ErrorCode code_;
  std::string message_, text_;
  ErrorKind kind_;
  std::vector<std::string> notes_, hints_;
};

/// Exit code of the binary for an error of this kind: 1 user, 2 environment, 3 internal.
int exit_code(ErrorKind kind);

/// A value or the error that kept it from being made.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return std::get<1>(state_); }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  /// The value; throws the error if there is none.
  T& value() & {
    if (!ok()) throw error();
    return **this;
  }
  T value() && {
    if (!ok()) throw error();
    return std::move(**this);
  }

 private:
  std::variant<T, Error> state_;
};

/// The candidate nearest to `name` by edit distance, if near enough to be a likely slip: for "did you mean" hints.
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace strata::base
