#include "strata/compiler/loop/poly/control_part.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/text/text_form.h"

namespace strata::compiler::poly {

using namespace ir::loops;

namespace {

using Text = std::optional<std::string>;

/// Words that isl's reader takes for its own, which it knows in capitals, too.
bool is_isl_word(std::string_view name) {
  static constexpr std::string_view kWords[] = {"and",    "or",    "not",   "implies", "exists", "mod",     "floor",
                                                "floord", "ceil",  "ceild", "min",     "max",    "rat",     "true",
                                                "false",  "infty", "nan",   "int",     "ref",    "infinity"};
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    return std::ranges::equal(word, name, {}, {}, [](unsigned char c) { return std::tolower(c); });
  });
}

class Reader {
 public:
  Reader(const Kernel& kernel, const IslSession& isl) : kernel_(kernel), isl_(isl), c_(*kernel.context) {
    for (const std::string& dim : kernel.dims) {
      const std::string name = fresh(dim);
      dims_[dim] = name;
      part_.parameters[name] = c_.dim(ir::Dim::symbol(dim));
    }
  }

  ControlPart read() {
    for (const Buffer* param : kernel_.params) add_array({.name = fresh(param->name), .buffer = param});
    block(kernel_.body);
    finish();
    return std::move(part_);
  }

 private:
  /// A statement in texts, since parameters are still being found.
  struct FoundAccess {
    int array;
    bool is_write;
    std::string relation;
  };
  struct Found {
    std::string name, order, domain;
    std::vector<const LoopVar*> loops;
    StmtPtr stmt;
    std::vector<FoundAccess> accesses;
  };

  [[noreturn]] void refuse(const Stmt& stmt, const std::string& what) const {
    const std::string line = stmt.line ? fmt::format("line {}: ", stmt.line) : "";
    throw base::Error(base::code::kNoControlPart,
                      fmt::format("@{} is no static control part: {}{}", kernel_.name, line, what))
        .note(fmt::format("in: {}", print_head(stmt)));
  }

  std::string fresh(std::string name) {
    if (is_isl_word(name)) name += "_";
    for (int n = 1; !taken_.insert(name).second; ++n) {
      const std::string numbered = fmt::format("{}_{}", name, n);
      if (taken_.insert(numbered).second) return numbered;
    }
    return name;
  }

  // Expressions as isl's text.

  Text affine(Expr e) {
    switch (e->op) {
      case ExprOp::Constant:
        return e->type.dtype == ir::DType::i64 ? Text(fmt::format("({})", *constant_value(e))) : std::nullopt;
      case ExprOp::DimSymbol:
        return dims_.at(e->symbol);
      case ExprOp::Loop:
        return loops_.at(e->loop);
      case ExprOp::Neg:
        if (const Text a = affine(e->args[0])) return fmt::format("(-{})", *a);
        return std::nullopt;
      default:
        break;
    }
    if (e->arg_count == 2 && e->type == ScalarType{ir::DType::i64, 1})
      if (Text made = combined(e)) return made;
    return as_parameter(e);
  }

  Text combined(Expr e) {
    const auto left = constant_value(e->args[0]), right = constant_value(e->args[1]);
    const bool is_divided = e->op == ExprOp::FloorDiv || e->op == ExprOp::FloorMod;
    if (is_divided && (!right || *right < 1)) return std::nullopt;
    if (e->op == ExprOp::Mul && !left && !right) return std::nullopt;
    const Text a = affine(e->args[0]), b = affine(e->args[1]);
    if (!a || !b) return std::nullopt;
    switch (e->op) {
      case ExprOp::Add:
        return fmt::format("({} + {})", *a, *b);
      case ExprOp::Sub:
        return fmt::format("({} - {})", *a, *b);
      case ExprOp::Mul:
        // isl reads a factor as a number alone: "2 * i", not "(2) * i".
        return left ? fmt::format("({} * {})", *left, *b) : fmt::format("({} * {})", *right, *a);
      case ExprOp::FloorDiv:
        return fmt::format("floor(({})/{})", *a, *right);
      case ExprOp::FloorMod:
        return fmt::format("(({}) mod {})", *a, *right);
      case ExprOp::Min:
      case ExprOp::Max:
        return fmt::format("{}({}, {})", e->op == ExprOp::Min ? "min" : "max", *a, *b);
      default:
        return std::nullopt;
    }
  }

  /// What is made of dimensions alone has one value in a run, however it is computed.
  Text as_parameter(Expr e) {
    const bool is_made_of_dimensions =
        e->type == ScalarType{ir::DType::i64, 1} && !any_node(e, [](Expr node) {
          return node->op == ExprOp::Loop || node->op == ExprOp::Read || node->op == ExprOp::Load;
        });
    if (!is_made_of_dimensions) return std::nullopt;
    for (const auto& [name, known] : part_.parameters)
      if (known == e) return name;
    const std::string name = fresh(fmt::format("q{}", part_.parameters.size()));
    part_.parameters[name] = e;
    return name;
  }

  Text condition(Expr e) {
    if (e->op == ExprOp::Constant) return *constant_value(e) ? "(1 = 1)" : "(1 = 0)";
    if (e->op == ExprOp::Not) {
      const Text a = condition(e->args[0]);
      return a ? Text(fmt::format("(not {})", *a)) : a;
    }
    if (e->arg_count != 2) return std::nullopt;
    if (e->op == ExprOp::And || e->op == ExprOp::Or) {
      const Text a = condition(e->args[0]), b = condition(e->args[1]);
      if (!a || !b) return std::nullopt;
      return fmt::format("({} {} {})", *a, e->op == ExprOp::And ? "and" : "or", *b);
    }
    const char* word = comparison(e->op);
    if (!word || e->args[0]->type != ScalarType{ir::DType::i64, 1}) return std::nullopt;
    const Text a = affine(e->args[0]), b = affine(e->args[1]);
    return a && b ? Text(fmt::format("({} {} {})", *a, word, *b)) : std::nullopt;
  }

  static const char* comparison(ExprOp op) {
    switch (op) {
      case ExprOp::Eq:
        return "=";
      case ExprOp::Ne:
        return "!=";
      case ExprOp::Lt:
        return "<";
      case ExprOp::Le:
        return "<=";
      case ExprOp::Gt:
        return ">";
      case ExprOp::Ge:
        return ">=";
      default:
        return nullptr;
    }
  }

  // Statements.

  void block(const std::vector<StmtPtr>& stmts) {
    for (const StmtPtr& stmt : stmts) {
      statement(*stmt);
      ++position_.back();
    }
  }

  void within(const std::string& constraint, const std::vector<StmtPtr>& stmts) {
    constraints_.push_back(constraint);
    position_.push_back(0);
    block(stmts);
    position_.pop_back();
    constraints_.pop_back();
  }

  /// Statements of a block or a branch are ordered among those around it.
  void inside(const std::string& constraint, const std::vector<StmtPtr>& stmts) {
    order_.push_back(fmt::format("{}, 0", position_.back()));
    within(constraint, stmts);
    order_.pop_back();
  }

  void statement(const Stmt& stmt) {
    switch (stmt.kind) {
      case StmtKind::Block:
        return inside("(1 = 1)", stmt.body);
      case StmtKind::For:
        return loop(stmt);
      case StmtKind::If: {
        const Text holds = condition(inlined(stmt.value));
        if (!holds) refuse(stmt, "the condition is not affine in loop variables and dimensions");
        inside(*holds, stmt.body);
        ++position_.back();
        return inside(fmt::format("(not {})", *holds), stmt.otherwise);
      }
      case StmtKind::Declare:
        return declare(stmt);
      case StmtKind::Assign:
      case StmtKind::Store:
        return add_statement(stmt);
      case StmtKind::Alloc:
        return add_private({.name = fresh(stmt.buffer->name), .buffer = stmt.buffer});
      case StmtKind::Prefetch:
        return;  // means nothing
      case StmtKind::While:
        refuse(stmt, "a while loop runs as often as the data say");
      case StmtKind::Check:
        refuse(stmt, "a check depends on data");
      case StmtKind::Barrier:
        refuse(stmt, "barriers order the threads of a block");
    }
  }

  void loop(const Stmt& stmt) {
    if (stmt.loop_kind == LoopKind::Blocks || stmt.loop_kind == LoopKind::Threads)
      refuse(stmt, "threads of a block are scheduled by hand");
    if (stmt.block) refuse(stmt, "a joining loop sums block by block, in an order that is not affine");
    const Text begin = affine(inlined(stmt.begin)), end = affine(inlined(stmt.end));
    if (!begin || !end) refuse(stmt, "a bound is not affine in loop variables and dimensions");
    const std::string name = loops_[stmt.loop] = fresh(stmt.loop->name);
    std::string constraint = fmt::format("{} <= {} < {}", *begin, name, *end);
    if (stmt.step != 1) constraint += fmt::format(" and ({} - {}) mod {} = 0", name, *begin, stmt.step);
    order_.push_back(fmt::format("{}, {}", position_.back(), name));
    around_.push_back(stmt.loop);
    within(constraint, stmt.body);
    around_.pop_back();
    order_.pop_back();
  }

  /// A let that costs nothing to compute again stands for its value; any other local is an array.
  void declare(const Stmt& stmt) {
    const Expr value = inlined(stmt.value);
    const bool reads = any_node(value, [](Expr e) { return e->op == ExprOp::Read || e->op == ExprOp::Load; });
    if (!stmt.local->is_mutable && !reads) {
      lets_.locals[stmt.local] = value;
      return;
    }
    if (stmt.local->type.lanes != 1) refuse(stmt, "vectors are scheduled already");
    add_private({.name = fresh(stmt.local->name), .local = stmt.local});
    add_statement(stmt);
  }

  Expr inlined(Expr e) { return lets_.locals.empty() ? e : substitute(c_, e, lets_); }

  void add_array(Array array) {
    array.dtype = array.buffer ? array.buffer->dtype : array.local->type.dtype;
    array.rank = array.expanded.size() + (array.buffer ? array.buffer->shape.size() : 0);
    part_.arrays.push_back(std::move(array));
  }
  void add_private(Array array) {
    array.expanded = around_;
    array.is_private = true;
    add_array(std::move(array));
  }

  void add_statement(const Stmt& stmt) {
    Found found;
    found.name = fresh(fmt::format("S{}", found_.size()));
    found.loops = around_;
    found.stmt = map_exprs(std::vector{std::make_shared<const Stmt>(stmt)}, [&](Expr e) { return inlined(e); })[0];
    std::vector<std::string> names;
    for (const LoopVar* var : around_) names.push_back(loops_.at(var));
    head_ = fmt::format("{}[{}]", found.name, fmt::join(names, ", "));
    found.domain =
        fmt::format("{} : {}", head_, constraints_.empty() ? "" : fmt::format("{}", fmt::join(constraints_, " and ")));
    found.order = order_.empty() ? fmt::format("{}", position_.back())
                                 : fmt::format("{}, {}", fmt::join(order_, ", "), position_.back());
    accesses(stmt, found);
    longest_order_ = std::max(longest_order_, 1 + 2 * order_.size());
    depth_of_.push_back(1 + 2 * order_.size());
    found_.push_back(std::move(found));
  }

  void accesses(const Stmt& stmt, Found& found) {
    const Stmt& made = *found.stmt;
    for_each_expr(made, [&](Expr root) {
      for_each_node(root, [&](Expr e) {
        if (e->type.lanes != 1) refuse(stmt, "vectors are scheduled already");
        if (e->op == ExprOp::Load) add_access(stmt, found, part_.array_of(e->buffer), {e->args, e->arg_count}, false);
        if (e->op == ExprOp::Read) add_access(stmt, found, part_.array_of(e->local), {}, false);
      });
    });
    if (made.kind != StmtKind::Store) return add_access(stmt, found, part_.array_of(made.local), {}, true);
    const int to = part_.array_of(made.buffer);
    add_access(stmt, found, to, made.indices, true);
    // What a mask keeps is what stood there before.
    if (made.mask) add_access(stmt, found, to, made.indices, false);
  }

  void add_access(const Stmt& stmt, Found& found, int number, std::span<const Expr> indices, bool is_write) {
    const Array& array = part_.arrays[number];
    if (array.buffer && array.buffer->kind == BufferKind::Input && !array.is_private) return;  // nobody writes there
    std::vector<std::string> index;
    for (const LoopVar* var : array.expanded) index.push_back(loops_.at(var));
    for (const Expr e : indices) {
      const Text text = affine(e);
      if (!text)
        refuse(stmt,
               fmt::format("an index of %{}, which is written, is not affine in loop variables and dimensions: {}",
                           array.name, print(e)));
      index.push_back(*text);
    }
    found.accesses.push_back(
        {number, is_write, fmt::format("{} -> {}[{}]", head_, array.name, fmt::join(index, ", "))});
  }

  // Texts to sets.

  std::string with_parameters(const std::string& body) const {
    std::vector<std::string> names;
    for (const auto& [name, expr] : part_.parameters) names.push_back(name);
    return fmt::format("[{}] -> {{ {} }}", fmt::join(names, ", "), body);
  }

  void finish() {
    part_.context = known_of_parameters();
    part_.domain = isl_.union_set("{ }");
    part_.reads = part_.writes = part_.order = isl_.union_map("{ }");
    for (size_t i = 0; i < found_.size(); ++i) {
      const Found& found = found_[i];
      Statement made{found.name,
                     found.loops,
                     found.stmt,
                     isl_.set(with_parameters(found.domain)).intersect_params(part_.context).coalesce(),
                     {}};
      part_.domain = part_.domain.unite(made.domain);
      for (const auto& [array, is_write, text] : found.accesses) {
        const isl::map relation = isl_.map(with_parameters(text)).intersect_domain(made.domain);
        isl::union_map& all = is_write ? part_.writes : part_.reads;
        all = all.unite(relation);
        made.accesses.push_back({array, is_write, relation});
      }
      std::string order = found.order;
      for (size_t k = depth_of_[i]; k < longest_order_; ++k) order += ", 0";
      const std::string head = found.domain.substr(0, found.domain.find(" : "));
      part_.order = part_.order.unite(
          isl_.map(with_parameters(fmt::format("{} -> [{}]", head, order))).intersect_domain(made.domain));
      part_.statements.push_back(std::move(made));
    }
  }

  isl::set known_of_parameters() const {
    std::vector<std::string> facts = {"1 = 1"};
    for (const auto& [dim, name] : dims_) {
      const ir::SymbolFact fact = kernel_.facts.of(dim);
      facts.push_back(fmt::format("{} >= {}", name, std::max<int64_t>(0, fact.lowest)));
      if (fact.highest < int64_t{1} << 40) facts.push_back(fmt::format("{} <= {}", name, fact.highest));
      if (fact.multiple > 1) facts.push_back(fmt::format("{} mod {} = 0", name, fact.multiple));
    }
    return isl_.set(with_parameters(fmt::format(": {}", fmt::join(facts, " and "))));
  }

  const Kernel& kernel_;
  const IslSession& isl_;
  LoopContext& c_;
  ControlPart part_;
  std::set<std::string> taken_;
  std::map<std::string, std::string, std::less<>> dims_;
  std::map<const LoopVar*, std::string> loops_;
  Substitution lets_;
  std::vector<const LoopVar*> around_;
  std::vector<std::string> constraints_, order_;
  std::vector<int> position_ = {0};
  std::string head_;
  std::vector<Found> found_;
  std::vector<size_t> depth_of_;
  size_t longest_order_ = 0;
};

template <class Of>
int find_array(const std::vector<Array>& arrays, const Of& matches) {
  for (size_t i = arrays.size(); i-- > 0;)
    if (matches(arrays[i])) return static_cast<int>(i);
  throw base::Error(base::code::kBrokenLoops, "a statement uses what is not declared");
}

}  // namespace

int ControlPart::array_of(const Buffer* buffer) const {
  return find_array(arrays, [&](const Array& a) { return a.buffer == buffer; });
}
int ControlPart::array_of(const Local* local) const {
  return find_array(arrays, [&](const Array& a) { return a.local == local; });
}
const Statement& ControlPart::statement(const std::string& name) const {
  return *std::ranges::find_if(statements, [&](const Statement& s) { return s.name == name; });
}

ControlPart read_control_part(const Kernel& kernel, const IslSession& isl) { return Reader(kernel, isl).read(); }

}  // namespace strata::compiler::poly
