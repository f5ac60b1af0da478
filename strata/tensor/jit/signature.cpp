#include "strata/tensor/jit/signature.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/codes/tensor_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/interpret.h"
#include "strata/machine/cpu_target.h"
#include "strata/tensor/recording/recording.h"

namespace strata::jit_detail {
namespace {

/// Structures of arguments that are remembered: a function is called with a few.
constexpr size_t kMostStructures = 256;

std::string place_of(int axis, int argument, const Leaf& leaf) {
  return fmt::format("dimension {} of argument {}{}{}", axis, argument, leaf.paths[0].empty() ? "" : " at ",
                     leaf.paths[0]);
}

}  // namespace

const HostArray& array_of(const Tensor& tensor) {
  if (tensor.cell()->is_concrete()) return tensor.cell()->array;
  static_cast<void>(tensor.type());  // says what is wrong with one whose recording has ended
  return tensor.array();
}

VaryingLeaves::Seen& VaryingLeaves::see(std::span<const Argument> arguments) {
  base::Hash128 key;
  for (const Argument& a : arguments) key = base::combine(key, a.leaves.structure);
  if (by_structure_.size() >= kMostStructures && !by_structure_.contains(key)) by_structure_.clear();
  Seen& seen = by_structure_[key];
  const bool is_first = seen.extents.empty();
  size_t i = 0;
  for (const Argument& a : arguments)
    for (const Leaf& leaf : a.leaves.list) {
      int64_t extent = -1;
      if (!a.is_data && leaf.tensor().defined() && array_of(leaf.tensor()).rank() > 0)
        extent = array_of(leaf.tensor()).shape()[0];
      if (is_first) {
        seen.extents.push_back(extent);
        seen.varies.push_back(false);
        seen.is_state.push_back(false);
      } else if (extent >= 0 && seen.extents[i] >= 0 && extent != seen.extents[i] && !seen.is_state[i]) {
        seen.varies[i] = seen.any = true;
      }
      if (seen.extents[i] < 0) seen.extents[i] = extent;
      ++i;
    }
  return seen;
}

Signature::Signature(std::span<const Argument> arguments, const JitOptions& options, const std::vector<bool>* varying)
    : options_(&options), varying_(varying), is_option_used_(options.symbolic_dims.size()) {
  key_ = base::combine(key_, base::hash_text(machine::chosen_cpu_target().name));
  size_t index = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    key_ = base::combine(key_, arguments[i].leaves.structure);
    for (const Leaf& leaf : arguments[i].leaves.list) add(leaf, index++, i, arguments[i].is_data);
  }
  key_ = base::combine(key_, base::hash_span(std::span<const uint64_t>(text_)));
  check_options();
}

/// The text of a leaf: its dtype and rank, and per axis a number (even) or the position of a symbol (odd).
void Signature::add(const Leaf& leaf, size_t index, int argument, bool is_data) {
  if (!leaf.tensor().defined()) {
    text_.push_back(UINT64_MAX);
    return;
  }
  const std::vector<int64_t>& shape = array_of(leaf.tensor()).shape();
  const ir::Encoding encoding = array_of(leaf.tensor()).encoding();
  text_.push_back(static_cast<uint64_t>(encoding.dtype()) << 32 | shape.size());
  if (!encoding.is_plain()) text_.push_back(reinterpret_cast<uintptr_t>(encoding.format()));
  const size_t first = marks_.size();
  if (!options_->symbolic_dims.empty()) name_axes(leaf, index, argument, shape);
  const bool may_vary = is_data || (varying_ && (*varying_)[index]);
  const bool is_named = std::any_of(marks_.begin() + first, marks_.end(), [](const Mark& m) { return m.axis == 0; });
  if (may_vary && options_->is_batch_symbolic && !shape.empty() && !is_named)
    mark(index, 0, batch(shape[0], argument, leaf));
  for (int axis = 0; axis < std::ssize(shape); ++axis) {
    uint64_t entry = static_cast<uint64_t>(shape[axis]) << 1;
    for (size_t m = first; m < marks_.size(); ++m)
      if (marks_[m].axis == axis) entry = marks_[m].symbol << 1 | 1;
    text_.push_back(entry);
  }
}

void Signature::name_axes(const Leaf& leaf, size_t index, int argument, const std::vector<int64_t>& shape) {
  const int rank = shape.size();
  for (size_t i = 0; i < options_->symbolic_dims.size(); ++i) {
    const SymbolicDim& d = options_->symbolic_dims[i];
    if (d.argument != argument || std::find(leaf.paths.begin(), leaf.paths.end(), d.leaf) == leaf.paths.end()) continue;
    if (d.axis < -rank || d.axis >= rank)
      throw base::Error(base::code::kAttributeValue,
                        fmt::format("{}: dimension '{}' is said to be axis {} of argument {}, which is {}",
                                    options_->name, d.name, d.axis, d.argument, leaf.tensor().type().str()));
    is_option_used_[i] = true;
    const int axis = d.axis < 0 ? d.axis + rank : d.axis;
    for (const Mark& other : marks_)
      if (other.leaf == index && other.axis == axis && symbols_[other.symbol].name != d.name)
        throw base::Error(base::code::kAttributeValue,
                          fmt::format("{}: axis {} of argument {} has two names, '{}' and '{}'", options_->name, axis,
                                      argument, symbols_[other.symbol].name, d.name));
    mark(index, axis, named(d, shape[axis], argument));
    if (symbols_[marks_.back().symbol].where.empty())
      symbols_[marks_.back().symbol].where = place_of(axis, argument, leaf);
  }
}

size_t Signature::named(const SymbolicDim& d, int64_t size, int argument) {
  const auto known = std::find_if(symbols_.begin(), symbols_.end(), [&](const Symbol& s) { return s.name == d.name; });
  if (known != symbols_.end()) {
    if (known->size != size)
      throw base::Error(base::code::kArgumentMismatch,
                        fmt::format("{}: dimension '{}' is {} in one argument and {} in argument {}", options_->name,
                                    d.name, known->size, size, argument));
    return known - symbols_.begin();
  }
  ir::require_fact(options_->name, {d.name, d.lowest, d.highest, d.multiple}, size);
  symbols_.push_back({d.name, size, ""});
  return symbols_.size() - 1;
}

/// "B", "B1", ...; names that the options give are passed over.
size_t Signature::batch(int64_t size, int argument, const Leaf& leaf) {
  std::string name;
  for (size_t i = batches_++;; ++i) {
    name = i == 0 ? "B" : "B" + std::to_string(i);
    const bool is_taken = find(name) || std::any_of(options_->symbolic_dims.begin(), options_->symbolic_dims.end(),
                                                    [&](const SymbolicDim& d) { return d.name == name; });
    if (!is_taken) break;
  }
  symbols_.push_back({name, size, place_of(0, argument, leaf)});
  return symbols_.size() - 1;
}

void Signature::check_options() const {
  for (size_t i = 0; i < is_option_used_.size(); ++i) {
    if (is_option_used_[i]) continue;
    const SymbolicDim& d = options_->symbolic_dims[i];
    throw base::Error(
        base::code::kAttributeValue,
        fmt::format("{}: dimension '{}' is said to be axis {} of argument {}, which {}", options_->name, d.name, d.axis,
                    d.argument, d.leaf.empty() ? "is not a Tensor" : "has no tensor '" + d.leaf + "'"));
  }
}

const Signature::Symbol* Signature::find(std::string_view name) const {
  const auto at = std::find_if(symbols_.begin(), symbols_.end(), [&](const Symbol& s) { return s.name == name; });
  return at == symbols_.end() ? nullptr : &*at;
}

int64_t Signature::value_of(Dim d) const {
  return d.evaluate([this](std::string_view name) -> int64_t {
    if (const Symbol* symbol = find(name)) return symbol->size;
    throw base::Error(base::code::kUnknownSize,
                      "the size of dimension '" + std::string(name) + "' is not known while the program is recorded");
  });
}

std::vector<ir::Type> Signature::types(std::span<const Argument> arguments) const {
  std::vector<ir::Type> types;
  size_t next = 0;
  for (const Argument& a : arguments)
    for (const Leaf& leaf : a.leaves.list) {
      const size_t index = types.size();
      if (!leaf.tensor().defined()) {
        types.emplace_back();
        continue;
      }
      const ir::Type type = leaf.tensor().type();
      Shape shape(type.shape().begin(), type.shape().end());
      for (; next < marks_.size() && marks_[next].leaf == index; ++next)
        shape[marks_[next].axis] = Dim::symbol(symbols_[marks_[next].symbol].name);
      types.push_back(type.with_shape(shape));
    }
  return types;
}

}  // namespace strata::jit_detail
