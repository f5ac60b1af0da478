#include "strata/runtime/execute/region_loops.h"

#include <algorithm>
#include <cstring>

namespace strata::runtime {
namespace {

constexpr int64_t kAlignment = 64;
/// Spare memory begins with what a condition says.
constexpr int64_t kConditionBytes = kAlignment;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

void copy_bytes(std::byte* to, const std::byte* from, int64_t bytes) { std::memcpy(to, from, bytes); }

bool is_true(const std::byte* boolean) { return *boolean != std::byte{0}; }

}  // namespace

Control control_of(const ir::Op& op) {
  if (op.name == "scan") return Control::Scan;
  if (op.name == "while") return Control::While;
  return op.name == "cond" ? Control::Cond : Control::None;
}

std::vector<ir::Donation> carry_donations(const ir::Node& node) {
  const Control kind = control_of(*node.op);
  if (kind != Control::While && kind != Control::Scan) return {};
  const int constants = node.attrs.integer("constants");
  const int carries = kind == Control::Scan ? node.attrs.integer("carries") : node.operand_count - constants;
  std::vector<ir::Donation> donations;
  for (int c = 0; c < carries; ++c) donations.push_back({c, constants + c});
  return donations;
}

RegionLoop::RegionLoop(const ir::Node& node, const ir::DimBinding& dims, const ir::Plan& body)
    : kind_(control_of(*node.op)) {
  const size_t operands = node.operand_count, results = node.result_count;
  if (kind_ == Control::Cond) return;
  constants_ = node.attrs.integer("constants");
  carries_ = operands - constants_;
  operand_steps_.assign(operands, 0);
  result_steps_.assign(results, 0);
  if (kind_ == Control::Scan) {
    carries_ = node.attrs.integer("carries");
    length_ = dims(node.attrs.dims("length")[0]);
    is_reverse_ = node.attrs.flag("reverse");
    const auto slice = [&](ir::Type stacked) { return length_ > 0 ? dims(stacked.bytes()) / length_ : 0; };
    for (size_t i = constants_ + carries_; i < operands; ++i) operand_steps_[i] = slice(node.operand(i).type());
    for (size_t r = carries_; r < results; ++r) result_steps_[r] = slice(node.type(r));
  }
  is_in_place_.assign(carries_, false);
  for (const ir::Donation& d : body.donations) is_in_place_[d.result] = true;
  spare_bytes_ = kConditionBytes;
  for (size_t c = 0; c < carries_; ++c) {
    carry_bytes_.push_back(dims(node.type(c).bytes()));
    spare_offsets_.push_back(spare_bytes_);
    if (!is_in_place_[c]) spare_bytes_ += aligned(carry_bytes_.back());
  }
  arguments_.resize(operands);
  outputs_.resize(results);
}

void RegionLoop::run(std::span<BoundRegion* const> regions, Pointers operands, Pointers results, std::byte* spare) {
  switch (kind_) {
    case Control::Cond:
      return run_cond(regions, operands, results);
    case Control::While:
      return run_while(regions, operands, results, spare);
    case Control::Scan:
      return run_scan(*regions[0], operands, results, spare);
    case Control::None:
      break;
  }
}

void RegionLoop::run_cond(std::span<BoundRegion* const> regions, Pointers operands, Pointers results) {
  regions[is_true(operands[0]) ? 0 : 1]->run(operands.subspan(1), results);
}

void RegionLoop::place_carries(bool to_result, Pointers operands, Pointers results, std::byte* spare) {
  std::ranges::copy(operands, arguments_.begin());
  for (size_t c = 0; c < carries_; ++c) {
    std::byte*& argument = arguments_[constants_ + c];
    const bool is_shared = argument == results[c];
    if (is_in_place_[c] == is_shared || (is_shared && !to_result)) continue;
    std::byte* const place = is_in_place_[c] ? results[c] : spare + spare_offsets_[c];
    copy_bytes(place, argument, carry_bytes_[c]);
    argument = place;
  }
}

void RegionLoop::run_while(std::span<BoundRegion* const> regions, Pointers operands, Pointers results,
                           std::byte* spare) {
  bool to_result = true;
  place_carries(to_result, operands, results, spare);
  std::byte* const goes_on[] = {spare};
  for (; regions[0]->run(arguments_, goes_on), is_true(spare); to_result = !to_result) {
    for (size_t c = 0; c < carries_; ++c) outputs_[c] = carry_target(c, to_result, results, spare);
    regions[1]->run(arguments_, outputs_);
    std::ranges::copy(outputs_, arguments_.begin() + constants_);
  }
  for (size_t c = 0; c < carries_; ++c)
    if (const std::byte* last = arguments_[constants_ + c]; last != results[c])
      copy_bytes(results[c], last, carry_bytes_[c]);
}

void RegionLoop::run_scan(BoundRegion& body, Pointers operands, Pointers results, std::byte* spare) {
  place_carries(length_ % 2 != 0, operands, results, spare);
  for (int64_t step = 0; step < length_; ++step) {
    const int64_t at = is_reverse_ ? length_ - 1 - step : step;
    const bool to_result = (length_ - 1 - step) % 2 == 0;
    for (size_t i = constants_ + carries_; i < arguments_.size(); ++i)
      arguments_[i] = operands[i] + at * operand_steps_[i];
    for (size_t c = 0; c < carries_; ++c) outputs_[c] = carry_target(c, to_result, results, spare);
    for (size_t r = carries_; r < outputs_.size(); ++r) outputs_[r] = results[r] + at * result_steps_[r];
    body.run(arguments_, outputs_);
    for (size_t c = 0; c < carries_; ++c) arguments_[constants_ + c] = outputs_[c];
  }
  for (size_t c = 0; c < carries_; ++c)  // of no steps
    if (const std::byte* last = arguments_[constants_ + c]; last != results[c])
      copy_bytes(results[c], last, carry_bytes_[c]);
}

}  // namespace strata::runtime
