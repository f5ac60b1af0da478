// The programs of one jitted function: found by the kind of call, recorded when none fits, and the one that was called
// longest ago replaced when there are too many.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "strata/tensor/capture/log.h"
#include "strata/tensor/jit/program.h"

namespace strata::jit_detail {

/// What a program is run on: the leaves of the arguments, then the captures.
std::vector<HostArray> arguments_for(std::span<const Argument> caller, const Program& program);

class Recordings {
 public:
  explicit Recordings(std::shared_ptr<capture::JitLog> log) : log_(std::move(log)) {}
  /// The place of the program that serves a call: one that is there, or a new one.
  size_t place_for(std::span<const Argument> caller, const Body& body, const JitOptions& options);
  /// The program that would serve a call, if it is there.
  std::shared_ptr<const Program> find(std::span<const Argument> caller, const JitOptions& options);
  /// Notes a call of the program at this place.
  const std::shared_ptr<Program>& called(size_t place);

  const std::vector<std::shared_ptr<Program>>& programs() const { return programs_; }
  /// The program of the last call.
  const std::shared_ptr<Program>& last() const { return programs_.at(last_); }
  int made() const { return made_; }

  /// Held until a call is ready to run, and so while one records: all of this, and what the function keeps beside it.
  std::mutex mutex;

 private:
  std::vector<size_t> fitting(const Signature& signature) const;
  size_t keep(std::unique_ptr<Program> program, std::string reason, const Body& body, const JitOptions& options);
  /// Why none of the programs serves a call.
  std::string reason_for(const CallOfSizes& call) const;

  const std::shared_ptr<capture::JitLog> log_;
  std::vector<std::shared_ptr<Program>> programs_;
  std::unordered_map<base::Hash128, std::vector<size_t>, base::Hash128Hasher> by_key_;  ///< places of programs
  VaryingLeaves varying_;
  uint64_t calls_ = 0;
  int made_ = 0;
  size_t last_ = 0;
};

}  // namespace strata::jit_detail
