#include "strata/tensor/jit/assumptions.h"

#include <fmt/format.h>

#include <algorithm>

namespace strata::jit_detail {
namespace {

std::vector<std::string> symbols_of(Dim d) {
  std::vector<std::string> names;
  d.collect_symbols(names);
  return names;
}

bool has_symbol(Dim d, std::string_view name) {
  const std::vector<std::string> names = symbols_of(d);
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Dim Assumptions::written(Dim d) const {
  if (d.is_constant() || equal_.empty()) return d;
  return d.substitute([this](std::string_view name) -> std::optional<Dim> {
    for (const Equal& e : equal_)
      if (e.symbol == name) return e.value;
    return std::nullopt;
  });
}

ir::Type Assumptions::written(ir::Type type) const {
  if (!type || equal_.empty() || type.is_static()) return type;
  Shape shape;
  for (Dim d : type.shape()) shape.push_back(written(d));
  return type.with_shape(shape);
}

int64_t Assumptions::size_of(std::string_view symbol, const Signature& signature) const {
  for (const Part& p : parts_)
    if (p.name == symbol) return size_of(p.of, signature) / p.divisor;
  return signature.value_of(Dim::symbol(symbol));
}

int64_t Assumptions::value_of(Dim d, const Signature& signature) const {
  return d.evaluate([&](std::string_view symbol) { return size_of(symbol, signature); });
}

bool Assumptions::is_known(Dim d, const Signature& signature) const {
  const std::vector<std::string> names = symbols_of(d);
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return signature.find(name) ||
           std::any_of(parts_.begin(), parts_.end(), [&](const Part& p) { return p.name == name; });
  });
}

bool Assumptions::hold(const Signature& signature) const {
  return std::all_of(equal_.begin(), equal_.end(),
                     [&](const Equal& e) { return size_of(e.symbol, signature) == value_of(e.value, signature); });
}

std::string Assumptions::broken(const Signature& signature) const {
  for (const Equal& e : equal_) {
    const int64_t size = size_of(e.symbol, signature), assumed = value_of(e.value, signature);
    if (size == assumed) continue;
    const Signature::Symbol* known = signature.find(e.symbol);
    return fmt::format("{} is {}, and the recording assumes {}{}: {}", known ? known->where : e.symbol, size,
                       e.value.str(), e.value.is_constant() ? "" : fmt::format(", {} here", assumed), e.reason);
  }
  return "";
}

void Assumptions::set(const std::string& symbol, Dim value, const std::string& reason) {
  for (Equal& e : equal_)
    e.value = e.value.substitute([&](std::string_view name) -> std::optional<Dim> {
      return name == symbol ? std::optional(value) : std::nullopt;
    });
  equal_.push_back({symbol, value, reason});
}

bool Assumptions::fix(Dim d, const Signature& signature, const std::string& reason) {
  const std::vector<std::string> names = symbols_of(written(d));
  bool is_new = false;
  for (const std::string& name : names) {
    if (!is_known(Dim::symbol(name), signature)) continue;
    set(name, Dim(size_of(name, signature)), reason);
    is_new = true;
  }
  return is_new;
}

bool Assumptions::fix_all(const Signature& signature, const std::string& reason) {
  bool is_new = false;
  for (const Signature::Symbol& symbol : signature.symbols())
    is_new = fix(Dim::symbol(symbol.name), signature, reason) || is_new;
  return is_new;
}

bool Assumptions::answer(const ir::Unproved& question, const Signature& signature, const std::string& reason) {
  const Dim a = written(question.a), b = written(question.b);
  if (!is_known(a, signature) || !is_known(b, signature)) return false;
  if (a == b) return fix(a, signature, reason);
  const int64_t size_a = value_of(a, signature), size_b = value_of(b, signature);
  if (size_a == size_b) return assume_equal(a, b, signature, reason);
  if (size_a == 1) return fix(a, signature, reason);
  return size_b == 1 && fix(b, signature, reason);
}

bool Assumptions::assume_equal(Dim a, Dim b, const Signature& signature, const std::string& reason) {
  if (assume_multiples(a - b, signature, reason)) return true;
  for (const auto& [symbol, value] : {std::pair(b, a), std::pair(a, b)}) {
    const auto name = symbol.symbol_name();
    if (!name || has_symbol(value, *name)) continue;
    set(std::string(*name), value, reason);
    return true;
  }
  return fix(a - b, signature, reason);
}

/// floordiv(B*3, 4)*4 is B*3 where B is a multiple of 4. The part becomes the symbol, so that the canonical form shows
/// it: B_4*12.
bool Assumptions::assume_multiples(Dim difference, const Signature& signature, const std::string& reason) {
  if (difference.is_constant()) return false;
  for (const ir::DimTerm& term : difference.expr()->terms)
    for (const ir::DimAtom* atom : term.atoms) {
      if (atom->kind != ir::DimAtom::Kind::FloorDiv && atom->kind != ir::DimAtom::Kind::Mod) continue;
      const std::vector<std::string> names = symbols_of(atom->a);
      if (names.size() != 1 || !atom->b.is_constant() || atom->b.constant() < 1) continue;
      const int64_t by = atom->b.constant();
      if (by == 1 || size_of(names[0], signature) % by != 0) continue;
      const std::string part = names[0] + "_" + std::to_string(by);
      parts_.push_back({part, names[0], by});
      set(names[0], Dim::symbol(part) * Dim(by), reason);
      return true;
    }
  return false;
}

std::string Assumptions::explained(const Signature& signature) const {
  const auto name_of = [&](const std::string& symbol) {
    const Signature::Symbol* known = signature.find(symbol);
    return known ? known->where : symbol;
  };
  std::string text;
  for (const Equal& e : equal_) text += fmt::format("  {} is {}: {}\n", name_of(e.symbol), e.value.str(), e.reason);
  return text;
}

}  // namespace strata::jit_detail
