// The printer of loop programs.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "strata/ir/loops/fold.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/rewrite.h"
#include "strata/ir/loops/text/literal_text.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/text/fact_text.h"

namespace strata::ir::loops {
namespace {

/// Expressions with shared parts print those once, as `def`s, when written out they would have more than this many
/// nodes.
constexpr uint64_t kInlineNodes = 120;
/// Deepest nest that is printed in one piece; the parser allows twice that.
constexpr int kInlineDepth = 60;

std::string_view loop_word(LoopKind kind) {
  switch (kind) {
    case LoopKind::Serial:
      return "for";
    case LoopKind::Parallel:
      return "parallel";
    case LoopKind::Vector:
      return "vector";
    case LoopKind::Unrolled:
      return "unrolled";
    case LoopKind::Blocks:
      return "blocks";
    case LoopKind::Threads:
      break;
  }
  return "threads";
}

std::string_view alloc_word(BufferKind kind) {
  return kind == BufferKind::Register ? "register" : kind == BufferKind::Shared ? "shared" : "scratch";
}

std::string as_identifier(std::string_view name) {
  std::string text;
  for (char c : name) text += std::isalnum(static_cast<unsigned char>(c)) && c > 0 ? c : '_';
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) text.insert(0, "v");
  return text;
}

class Printer {
 public:
  /// `strict` numbers names so that the text parses; else names print as they are.
  explicit Printer(bool strict) : strict_(strict) {}

  std::string kernel(const Kernel& kernel);
  std::string expr(Expr e) { return expression(e, false); }
  std::string head(const Stmt& stmt) {
    statement(stmt, true);
    while (!text_.empty() && text_.back() == '\n') text_.pop_back();
    return text_;
  }

 private:
  // Names.
  template <class T>
  std::string bind(std::unordered_map<const T*, std::string>& names, const T* object, std::set<std::string>& taken) {
    std::string name = as_identifier(object->name);
    for (int n = 1; strict_ && (taken.contains(name) || is_reserved_word(name)); ++n)
      name = fmt::format("{}_{}", as_identifier(object->name), n);
    taken.insert(name);
    return names[object] = name;
  }
  template <class T>
  static std::string name_of(const std::unordered_map<const T*, std::string>& names, const T* object) {
    const auto at = names.find(object);
    return at != names.end() ? at->second : object->name;
  }

  // Expressions.
  std::string expression(Expr e, bool bare_literal);
  std::string constant(Expr e, bool bare) const;
  std::string call(Expr e);
  std::string operands(Expr e);
  std::string infix(Expr e);
  std::string infix_operand(Expr e, bool tight);
  std::string load(std::string_view buffer, const Expr* indices, size_t count);
  void define_shared(const Stmt& stmt);

  // Statements.
  void line(std::string_view content) { text_ += fmt::format("{:{}}{}\n", "", depth_ * 2, content); }
  void body(const std::vector<StmtPtr>& stmts);
  void statement(const Stmt& stmt, bool head_only = false);
  void nest(const std::string& head, const std::vector<StmtPtr>& stmts, bool head_only);
  std::string for_head(const Stmt& stmt);
  std::string buffer_type(const Buffer& buffer) const;
  std::string param(const Buffer* buffer, bool with_kind);

  bool strict_;
  std::string text_;
  int depth_ = 0;
  std::set<std::string> taken_, taken_buffers_;
  std::unordered_map<const LoopVar*, std::string> loops_;
  std::unordered_map<const Local*, std::string> locals_;
  std::unordered_map<const Buffer*, std::string> buffers_;
  std::unordered_map<Expr, int> defined_;
};

bool is_infix(Expr e) {
  return e->type.dtype == DType::i64 && (e->op == ExprOp::Add || e->op == ExprOp::Sub || e->op == ExprOp::Mul);
}

std::string Printer::constant(Expr e, bool bare) const {
  if (is_bool(e->type.dtype)) {
    const std::string word = e->bits ? "true" : "false";
    return bare || e->type.lanes == 1 ? word : fmt::format("broadcast({}, {})", word, e->type.lanes);
  }
  if (bare) return literal_text(e->type.dtype, e->bits, false);
  const std::string typed = literal_text(e->type.dtype, e->bits, true);
  return e->type.lanes == 1 ? typed : fmt::format("broadcast({}, {})", typed, e->type.lanes);
}

/// The operands of an op of one type: literals are bare beside an operand that has a type.
std::string Printer::operands(Expr e) {
  const int first = e->op == ExprOp::Select ? 1 : 0;
  bool typed = false;
  for (int i = first; i < e->arg_count; ++i) typed |= e->args[i]->op != ExprOp::Constant;
  std::string text;
  for (int i = 0; i < e->arg_count; ++i) {
    if (i) text += ", ";
    const bool literal = i >= first && e->args[i]->op == ExprOp::Constant;
    if (!literal) {
      text += expression(e->args[i], false);
    } else if (typed || is_bool(e->args[i]->type.dtype)) {
      text += constant(e->args[i], true);
    } else {  // the first of only literals carries the type; lanes come from the condition
      text += literal_text(e->args[i]->type.dtype, e->args[i]->bits, true);
      typed = true;
    }
  }
  return text;
}

/// `tight`: the operand of a product.
std::string Printer::infix_operand(Expr e, bool tight) {
  const std::string text = expression(e, true);
  const bool open = is_infix(e) && !defined_.contains(e) && (tight || e->op != ExprOp::Mul);
  return open ? "(" + text + ")" : text;
}

/// Left operands may be a chain of the same strength; right ones are put in parentheses if they are infix at all,
/// except a product in a sum.
std::string Printer::infix(Expr e) {
  const Expr a = e->args[0], b = e->args[1];
  if (e->op == ExprOp::Mul) {
    const bool chain = is_infix(a) && a->op == ExprOp::Mul && !defined_.contains(a);
    return fmt::format("{}*{}", chain ? infix(a) : infix_operand(a, true), infix_operand(b, true));
  }
  const bool chain = is_infix(a) && !defined_.contains(a);
  return fmt::format("{} {} {}", chain ? infix(a) : infix_operand(a, false), e->op == ExprOp::Add ? '+' : '-',
                     infix_operand(b, false));
}

std::string Printer::load(std::string_view buffer, const Expr* indices, size_t count) {
  std::string text = fmt::format("%{}[", buffer);
  for (size_t i = 0; i < count; ++i) text += (i ? ", " : "") + expression(indices[i], true);
  return text + "]";
}

std::string Printer::call(Expr e) {
  const std::string_view name = expr_op_name(e->op);
  switch (e->op) {
    case ExprOp::Loop:
      return name_of(loops_, e->loop);
    case ExprOp::Read:
      return name_of(locals_, e->local);
    case ExprOp::DimSymbol:
      return e->symbol;
    case ExprOp::Load:
      return load(name_of(buffers_, e->buffer), e->args, e->arg_count);
    case ExprOp::Ramp:
      return fmt::format("ramp({}, {}, {})", expression(e->args[0], true), static_cast<int64_t>(e->args[1]->bits),
                         e->type.lanes);
    case ExprOp::Broadcast:
      return fmt::format("broadcast({}, {})", expression(e->args[0], false), e->type.lanes);
    case ExprOp::Lane:
      return fmt::format("lane({}, {})", expression(e->args[0], false), e->imm);
    case ExprOp::Cast:
    case ExprOp::Bitcast:
      return fmt::format("{}({}, {})", name, dtype_name(e->type.dtype), expression(e->args[0], false));
    case ExprOp::Dot2:
    case ExprOp::Dot2Flushed:
    case ExprOp::Dot4:
    case ExprOp::Interleave: {
      std::string text;
      for (int i = 0; i < e->arg_count; ++i) text += (i ? ", " : "") + expression(e->args[i], false);
      return fmt::format("{}({})", name, text);
    }
    default:
      return fmt::format("{}({})", name, operands(e));
  }
}

std::string Printer::expression(Expr e, bool bare_literal) {
  if (!e) return "<none>";
  if (e->op == ExprOp::Constant) return constant(e, bare_literal && e->type.lanes == 1);
  if (const auto at = defined_.find(e); at != defined_.end()) return fmt::format("${}", at->second);
  return is_infix(e) ? infix(e) : call(e);
}

/// Decides which parts of the statement's expressions get a `def`, and prints those.
void Printer::define_shared(const Stmt& stmt) {
  defined_.clear();
  std::unordered_map<Expr, uint64_t> tree, uses;
  std::unordered_map<Expr, int> height;
  std::vector<Expr> order;
  uint64_t total = 0;
  const auto add = [](uint64_t a, uint64_t b) { return a + b < a ? UINT64_MAX : a + b; };
  for_each_expr(stmt, [&](Expr root) {
    for_each_node(root, [&](Expr e) {
      if (tree.contains(e)) return;
      uint64_t size = 1;
      for (int i = 0; i < e->arg_count; ++i) {
        size = add(size, tree[e->args[i]]);
        ++uses[e->args[i]];
      }
      tree[e] = size;
      order.push_back(e);
    });
    ++uses[root];
    total = add(total, tree[root]);
  });
  const bool share = total > kInlineNodes;
  std::vector<std::pair<Expr, int>> definitions;
  for (Expr e : order) {
    int h = 1;
    for (int i = 0; i < e->arg_count; ++i) h = std::max(h, height[e->args[i]] + 1);
    const bool name_it = (share && uses[e] > 1 && tree[e] > 4) || h >= kInlineDepth;
    height[e] = name_it ? 1 : h;
    if (!name_it) continue;
    const std::string text = expression(e, false);
    const int number = defined_.size();
    line(fmt::format("def ${} = {}", number, text));
    defined_[e] = number;
  }
}

std::string Printer::buffer_type(const Buffer& buffer) const {
  std::string text = fmt::format("{}[", dtype_name(buffer.dtype));
  for (size_t i = 0; i < buffer.shape.size(); ++i) text += (i ? "," : "") + buffer.shape[i].str();
  return text + "]";
}

std::string Printer::for_head(const Stmt& stmt) {
  const std::string begin = expression(stmt.begin, true), end = expression(stmt.end, true);
  const std::string name = bind(loops_, stmt.loop, taken_);
  std::string text = fmt::format("{} {} in {}..{}", loop_word(stmt.loop_kind), name, begin, end);
  if (stmt.step != 1) text += fmt::format(" step {}", stmt.step);
  if (stmt.wave) text += fmt::format(" waves {}", expression(stmt.wave, true));
  if (stmt.block)
    text += fmt::format(" joining {} by {}, outer {}, inner {}", name_of(locals_, stmt.local), stmt.block,
                        stmt.outer_loops, stmt.inner_loops);
  return text;
}

void Printer::nest(const std::string& head, const std::vector<StmtPtr>& stmts, bool head_only) {
  line(head + (head.empty() ? "{" : " {") + (head_only ? " ... }" : ""));
  if (!head_only) body(stmts);
}

void Printer::body(const std::vector<StmtPtr>& stmts) {
  const auto taken = taken_, taken_buffers = taken_buffers_;
  ++depth_;
  for (const StmtPtr& stmt : stmts) statement(*stmt);
  --depth_;
  taken_ = taken;
  taken_buffers_ = taken_buffers;
}

void Printer::statement(const Stmt& stmt, bool head_only) {
  if (strict_) define_shared(stmt);
  const auto taken = taken_;
  switch (stmt.kind) {
    case StmtKind::Block:
      nest("", stmt.body, head_only);
      break;
    case StmtKind::For:
      nest(for_head(stmt), stmt.body, head_only);
      break;
    case StmtKind::While:
      nest(fmt::format("while {}", expression(stmt.value, true)), stmt.body, head_only);
      break;
    case StmtKind::If:
      nest(fmt::format("if {}", expression(stmt.value, true)), stmt.body, head_only);
      if (head_only || stmt.otherwise.empty()) break;
      line("} else {");
      body(stmt.otherwise);
      break;
    case StmtKind::Declare: {
      const std::string value = expression(stmt.value, true);
      line(fmt::format("{} {}: {} = {}", stmt.local->is_mutable ? "var" : "let", bind(locals_, stmt.local, taken_),
                       type_name(stmt.local->type), value));
      return;
    }
    case StmtKind::Assign:
      return line(fmt::format("{} = {}", name_of(locals_, stmt.local), expression(stmt.value, true)));
    case StmtKind::Store: {
      std::string text =
          fmt::format("{} = {}", load(name_of(buffers_, stmt.buffer), stmt.indices.data(), stmt.indices.size()),
                      expression(stmt.value, true));
      if (stmt.mask) text += fmt::format(" where {}", expression(stmt.mask, true));
      return line(text);
    }
    case StmtKind::Alloc:
      return line(fmt::format("{} %{}: {}", alloc_word(stmt.buffer->kind), bind(buffers_, stmt.buffer, taken_buffers_),
                              buffer_type(*stmt.buffer)));
    case StmtKind::Prefetch:
      return line(
          fmt::format("prefetch {}", load(name_of(buffers_, stmt.buffer), stmt.indices.data(), stmt.indices.size())));
    case StmtKind::Check:
      return line(fmt::format("check {}, code {}, index {}", expression(stmt.value, true), stmt.step,
                              stmt.indices.empty() ? "<none>" : expression(stmt.indices[0], true)));
    case StmtKind::Barrier:
      return line("barrier");
  }
  if (!head_only) line("}");
  taken_ = taken;
}

std::string Printer::param(const Buffer* buffer, bool with_kind) {
  std::string_view kind;
  if (with_kind && buffer->kind == BufferKind::Output) kind = "out ";
  if (buffer->kind == BufferKind::InOut) kind = "inout ";
  return fmt::format("%{}: {}{}", bind(buffers_, buffer, taken_buffers_), kind, buffer_type(*buffer));
}

std::string Printer::kernel(const Kernel& kernel) {
  taken_.insert(kernel.dims.begin(), kernel.dims.end());
  size_t split = kernel.params.size();
  while (split > 0 && kernel.params[split - 1]->kind == BufferKind::Output) --split;
  std::string text = fmt::format("kernel @{}(", as_identifier(kernel.name));
  std::vector<std::string> in_shapes;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    if (i == split) text += ") -> (";
    if (i != 0 && i != split) text += ", ";
    text += param(kernel.params[i], i < split);
    for (Dim d : kernel.params[i]->shape) d.collect_symbols(in_shapes);
  }
  text += ")";
  if (in_shapes != kernel.dims) text += fmt::format(" dims({})", fmt::join(kernel.dims, ", "));
  const auto is_dim = [&](std::string_view name) { return std::ranges::find(kernel.dims, name) != kernel.dims.end(); };
  text_ = text + facts_text(kernel.facts, is_dim) + " {\n";
  body(kernel.body);
  return text_ + "}\n";
}

}  // namespace

std::string print(const Kernel& kernel) { return Printer(true).kernel(kernel); }
std::string print_head(const Stmt& stmt) { return Printer(false).head(stmt); }
std::string print(Expr e) { return Printer(false).expr(e); }

}  // namespace strata::ir::loops
