// The interface of an op: one block of constant data per op, from which the builder's checks, the interpreter, the
// transforms, the compiler, the conformance tests, the fuzzers and the reference pages are made. The blocks themselves
// stand in ops/.
//
// Each facet is given, or refused with a reason that is printed when the facet is asked for.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "strata/ir/graph/graph.h"
#include "strata/ir/host_array.h"

namespace strata::ir {

/// A facet of an op: a function, or the reason why there is none.
template <class Fn>
struct Facet {
  Fn fn = nullptr;
  const char* reason = nullptr;

  constexpr Facet() = default;
  template <class F>
    requires std::is_convertible_v<F, Fn>
  constexpr Facet(F f) : fn(f) {}
  static constexpr Facet refused(const char* why) {
    Facet f;
    f.reason = why;
    return f;
  }
  explicit constexpr operator bool() const { return fn != nullptr; }
  constexpr bool is_declared() const { return fn != nullptr || reason != nullptr; }
};
/// `.transpose = refuse("not linear")`
struct refuse {
  const char* why;
  constexpr explicit refuse(const char* w) : why(w) {}
  template <class Fn>
  constexpr operator Facet<Fn>() const {
    return Facet<Fn>::refused(why);
  }
};

/// A set of element types.
struct DTypeSet {
  uint32_t bits = 0;
  constexpr bool has(DType t) const { return bits >> static_cast<int>(t) & 1; }
  constexpr DTypeSet operator|(DTypeSet o) const { return {bits | o.bits}; }
};
constexpr DTypeSet only(DType t) { return {1u << static_cast<int>(t)}; }
inline constexpr DTypeSet kFloats = only(DType::f64) | only(DType::f32) | only(DType::f16) | only(DType::bf16);
inline constexpr DTypeSet kSignedInts = only(DType::i8) | only(DType::i16) | only(DType::i32) | only(DType::i64);
inline constexpr DTypeSet kUnsignedInts = only(DType::u8) | only(DType::u16) | only(DType::u32) | only(DType::u64);
inline constexpr DTypeSet kInts = kSignedInts | kUnsignedInts;
inline constexpr DTypeSet kBool = only(DType::boolean);
inline constexpr DTypeSet kNumbers = kFloats | kInts;
inline constexpr DTypeSet kAnyDType = kNumbers | kBool;
std::string dtype_set_str(DTypeSet set);

/// One attribute that an op declares.
struct AttrSpec {
  std::string_view name;
  AttrKind kind;
  std::string_view doc;
};

/// How far compiled code may be from the interpreter, which computes in f64 and rounds once.
struct Tolerance {
  enum class Kind : uint8_t {
    Exact,  ///< equal bits (any NaN equals any NaN)
    Ulp,    ///< at most `amount` units in the last place of the result's dtype
    Sum,    ///< amount * eps * sum of |terms|, for reductions and contractions
  } kind = Kind::Exact;
  double amount = 0;
  double of_full_chains = 0;  ///< Sum: the amount where chains are full of terms that all round the same way
};
constexpr Tolerance exact() { return {}; }
constexpr Tolerance ulp(double n) { return {Tolerance::Kind::Ulp, n}; }
constexpr Tolerance sum_of_terms(double c, double of_full_chains) { return {Tolerance::Kind::Sum, c, of_full_chains}; }

/// Arithmetic operations and bytes moved by one execution, as dimension polynomials.
struct Cost {
  Dim flops;
  Dim bytes;
};

// ---- what the rules are given

/// Type rule: checks the operands and gives the result types.
class Infer {
 public:
  Infer(const Op& op, std::span<const Value> operands, Attrs attrs, std::span<const GraphRef> regions,
        const Graph& graph)
      : op(op), operands(operands), attrs(attrs), regions(regions), graph(graph) {}
  const Op& op;
  std::span<const Value> operands;
  Attrs attrs;
  std::span<const GraphRef> regions;
  const Graph& graph;

  int count() const { return operands.size(); }
  Type type(int i) const { return operands[i].type(); }
  void result(Type type) { results.push_back(type); }
  /// Throws a User error: "dot: " + message, with operand types noted and the recording position.
  [[noreturn]] void fail(base::ErrorCode code, const std::string& message, const std::string& hint = "") const;
  void require(bool condition, base::ErrorCode code, const std::string& message) const {
    if (!condition) fail(code, message);
  }
  /// All operands from `first` on have operand first's dtype (E0100).
  void same_dtype(int first = 0) const;
  /// All operands from `first` on have operand first's shape (E0101): between tensors nothing broadcasts silently at
  /// this level.
  void same_shape(int first = 0) const;

  struct Results {  // small: almost every op has one result
    void push_back(Type t) {
      if (size < 4)
        inline_data[size++] = t;
      else {
        if (rest.empty()) rest.assign(inline_data, inline_data + 4);
        rest.push_back(t);
        ++size;
      }
    }
    std::span<const Type> view() const {
      return rest.empty() ? std::span<const Type>(inline_data, size) : std::span<const Type>(rest);
    }
    Type inline_data[4];
    uint32_t size = 0;
    std::vector<Type> rest;
  } results;
};

/// Reference rule (the tensor interpreter): plain loops in f64, integers exactly, rounded once to the result's dtype.
class Reference {
 public:
  const Node& node;
  std::span<const HostArray> operands;
  std::span<HostArray> results;  ///< allocated, zero-filled, with the concrete shape of the node's type
  /// Runs a region on arrays.
  std::function<std::vector<HostArray>(const Graph&, std::span<const HostArray>)> run;
  /// The value of a dimension in this execution.
  std::function<int64_t(Dim)> dim;
  /// Where the text of a `print` goes.
  std::function<void(const std::string&)> print;
};

class Jvp;        // ops/facets/rules.h: tangents of an op's results from those of its operands
class Transpose;  // ops/facets/rules.h: cotangents of a linear op's operands from those of its results
class Vmap;       // ops/facets/rules.h: the op over a new leading batch axis
class Lowering;   // ops/facets/lowering.h: the op as loops
struct Sample;

/// Where an op's operands may take their random values from in tests.
struct SampleOperand {
  Type type;
  enum class Domain : uint8_t {
    Normal,    ///< standard normal, or small integers
    Positive,  ///< (0.1, 4)
    Unit,      ///< (-0.95, 0.95)
    Nonzero,   ///< |x| in (0.5, 2)
    Exact,     ///< small exactly representable numbers, with ties
    Index,     ///< integers in [0, bound)
    Special,   ///< NaN, infinities, zeros of both signs, the largest and smallest numbers
  } domain = Domain::Normal;
  int64_t bound = 4;
};
struct Sample {
  std::vector<SampleOperand> operands;
  std::vector<Attr> attrs;  ///< lists must point to static data
  std::vector<GraphRef> regions;
};

/// How an op takes operands whose elements are blocks (Op::encoded). Any other op refuses them.
struct EncodedRule {
  /// Refuses operands whose blocks it would split; null: it takes any.
  void (*check)(const Infer&) = nullptr;
  /// The op as nodes on bytes, for the interpreter and the compiler: encoded operands come as the u8 arrays that store
  /// them (Type::stored()), and so does the result. Null: the op's own rules read encoded operands.
  Value (*on_bytes)(const Node& node, std::span<const Value> operands) = nullptr;
};

enum class Effect : uint8_t {
  None,
  Ordered,  ///< prints, checks: kept and kept in order
};

// ---- the block

struct Op {
  std::string_view name;
  std::string_view family;  ///< "elementwise", "shape", ...: groups the reference pages; steers nothing
  std::string_view doc;     ///< the meaning: empty and scalar inputs, NaN, infinity, ties, division by zero
  int operands_min = 1, operands_max = 1;  ///< -1: any number
  int region_count = 0;                    ///< -1: any number
  std::span<const AttrSpec> attrs;
  DTypeSet types = kAnyDType;  ///< of operand 0 (of the result, for ops without operands)
  void (*infer)(Infer&) = nullptr;
  Facet<void (*)(Jvp&)> jvp;
  Facet<void (*)(Transpose&)> transpose;
  Facet<void (*)(Vmap&)> vmap;
  Facet<void (*)(Lowering&)> lower;
  Facet<void (*)(Reference&)> reference;
  Tolerance tolerance;
  Facet<Cost (*)(const Node&)> cost;
  Facet<std::vector<Sample> (*)()> samples;
  /// How it takes operands whose elements are blocks; null: not at all (E0143).
  const EncodedRule* encoded = nullptr;
  /// The result element at an index is a function of the operands' elements at the same index (so it fuses anywhere).
  bool is_pointwise = false;
  /// Each element of an operand is read for one element of the result, or for a row of them that is broadcast: what
  /// computes the operand may as well be computed where it is read.
  bool reads_each_once = false;
  /// Its first attribute is one symbol, whose value operand 0 gives when the program runs, and its second what bounds
  /// it (ir/counts/counts.h).
  bool counts = false;
  /// Means just what its first region means.
  bool is_call = false;
  bool is_commutative = false;
  /// Has second derivatives worth testing (false at kinks everywhere, integers, data movement).
  bool is_smooth = false;
  Effect effect = Effect::None;
};

/// Asks an op's type rule, after what is asked of all ops: the dtypes that it takes, and encoded operands (E0143).
void apply_type_rule(Infer& infer);

/// What the parser, verifier and interpreter are given: the known ops, sorted by name.
class OpTable {
 public:
  explicit OpTable(std::span<const Op* const> ops);
  const Op* find(std::string_view name) const;
  /// Of the op called `name`; a User error that offers the nearest name otherwise.
  const Op& get(std::string_view name) const;
  std::span<const Op* const> all() const { return sorted_; }

 private:
  std::vector<const Op*> sorted_;
};

}  // namespace strata::ir
