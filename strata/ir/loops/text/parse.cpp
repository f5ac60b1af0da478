// The parser of kernels and statements.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/loops/legality.h"
#include "strata/ir/loops/text/parse_expr.h"
#include "strata/ir/loops/text/text_form.h"
#include "strata/ir/loops/verify.h"
#include "strata/ir/text/fact_text.h"

namespace strata::ir::loops {
namespace {

using base::Error;
using base::Result;

constexpr size_t kMaxTextBytes = size_t{64} << 20;
constexpr int kMaxNesting = 100;
constexpr std::array<std::string_view, 31> kWords = {
    "kernel", "where", "dims",    "inout",  "out",     "parallel", "for",     "vector",   "unrolled", "while", "if",
    "else",   "let",   "scratch", "check",  "code",    "index",    "step",    "register", "var",      "def",   "in",
    "true",   "false", "inf",     "blocks", "threads", "shared",   "barrier", "prefetch", "waves"};

class Parser {
 public:
  explicit Parser(TextLexer& lexer)
      : lexer_(lexer), context_(std::make_shared<LoopContext>()), expr_(lexer, *context_, names_) {}

  Kernel kernel() {
    lexer_.expect("kernel", "at the start");
    const Token name = lexer_.next();
    if (name.kind != TextToken::Function) lexer_.fail_at(name.position, "expected @ and the kernel's name");
    kernel_.context = context_;
    kernel_.name = std::string(name.text);
    params(BufferKind::Input);
    if (lexer_.accept("->")) params(BufferKind::Output);
    dims();
    if (lexer_.accept("where"))
      read_facts(lexer_, kernel_.facts, [this](std::string_view name) { return names_.has(name); });
    kernel_.dims = names_.dims;
    kernel_.body = block();
    if (const auto fault = find_fault(kernel_)) {
      Error error(base::code::kLoopRule, fmt::format("kernel @{}: {}", kernel_.name, fault->what));
      if (!fault->statement.empty()) error.note(fmt::format("in: {}", fault->statement));
      throw error;
    }
    return std::move(kernel_);
  }

 private:
  std::string new_name(std::string_view what) {
    const Token token = lexer_.next();
    if (token.kind != TextToken::Name) lexer_.fail_at(token.position, fmt::format("expected the name of {}", what));
    if (is_reserved_word(token.text))
      lexer_.fail_at(token.position, fmt::format("'{}' is a word of the language", token.text));
    if (names_.has(token.text))
      lexer_.fail_at(token.position, fmt::format("'{}' has a meaning here already", token.text));
    return std::string(token.text);
  }

  // The head.

  void params(BufferKind kind) {
    lexer_.expect("(", "before the parameters");
    if (lexer_.accept(")")) return;
    do {
      const Token name = lexer_.next();
      if (name.kind != TextToken::Value) lexer_.fail_at(name.position, "expected % and a parameter's name");
      kernel_.params.push_back(buffer(name, kind, true));
    } while (lexer_.accept(","));
    lexer_.expect(")", "behind the parameters");
  }

  const Buffer* buffer(const Token& name, BufferKind kind, bool is_param) {
    lexer_.expect(":", "behind the buffer's name");
    if (is_param && lexer_.accept("inout")) kind = BufferKind::InOut;
    if (is_param && lexer_.accept("out")) kind = BufferKind::Output;
    Buffer made{std::string(name.text), dtype(), {}, kind};
    lexer_.expect("[", "before the shape");
    if (!lexer_.accept("]")) {
      do made.shape.push_back(dim());
      while (lexer_.accept(","));
      lexer_.expect("]", "behind the shape");
    }
    if (is_param)
      for (Dim d : made.shape) d.collect_symbols(names_.dims);
    if (names_.buffers.contains(name.text)) lexer_.fail_at(name.position, fmt::format("%{} exists already", name.text));
    return names_.buffers[std::string(name.text)] = context_->buffer(std::move(made));
  }

  Dim dim() {
    size_t position = lexer_.position();
    const Result<Dim> parsed = parse_dim_prefix(lexer_.source(), position);
    if (!parsed.ok()) lexer_.fail(parsed.error().message());
    lexer_.go_to(position);
    return *parsed;
  }

  /// dims(...) gives the order, and may name symbols that no parameter's shape has.
  void dims() {
    if (!lexer_.is("dims")) return;
    const size_t position = lexer_.position();
    lexer_.next();
    const std::vector<std::string> in_shapes = std::move(names_.dims);
    names_.dims.clear();
    lexer_.expect("(", "behind dims");
    while (!lexer_.accept(")")) {
      names_.dims.push_back(new_name("a dimension"));
      if (!lexer_.is(")")) lexer_.expect(",", "between dimensions");
    }
    for (const std::string& name : in_shapes)
      if (!names_.has(name)) lexer_.fail_at(position, fmt::format("dims lacks {}, which a shape uses", name));
  }

  DType dtype() { return type(false).dtype; }

  /// "f32" or, of locals, "f32x8".
  ScalarType type(bool lanes_allowed) {
    const Token token = lexer_.next();
    const size_t x = lanes_allowed ? token.text.find('x') : std::string_view::npos;
    const auto dtype = dtype_from_name(token.text.substr(0, x));
    if (!dtype || token.kind != TextToken::Name)
      lexer_.fail_at(token.position, fmt::format("'{}' is not the name of a type", token.text));
    if (x == std::string_view::npos) return {*dtype, 1};
    int lanes = 0;
    for (char c : token.text.substr(x + 1))
      lanes = c >= '0' && c <= '9' && lanes <= kMaxLanes ? lanes * 10 + c - '0' : kMaxLanes + 1;
    if (lanes < 2 || lanes > kMaxLanes)
      lexer_.fail_at(token.position, fmt::format("'{}': vectors have 2 to {} lanes", token.text, kMaxLanes));
    return {*dtype, static_cast<uint16_t>(lanes)};
  }

  // Statements.

  /// What a block binds is forgotten at its end.
  std::vector<StmtPtr> block() {
    lexer_.expect("{", "before the statements");
    if (++depth_ > kMaxNesting) lexer_.fail("statements are nested too deeply");
    const auto loops = names_.loops;
    const auto locals = names_.locals;
    const auto buffers = names_.buffers;
    std::vector<StmtPtr> stmts;
    while (!lexer_.accept("}")) {
      if (lexer_.accept("def")) {
        expr_.definition();
        continue;
      }
      const int line = line_of(lexer_.position());
      Stmt read = *statement();
      read.line = line;
      stmts.push_back(std::make_shared<const Stmt>(std::move(read)));
      expr_.clear_definitions();
    }
    expr_.clear_definitions();
    names_.loops = loops;
    names_.locals = locals;
    names_.buffers = buffers;
    --depth_;
    return stmts;
  }

  /// The expressions of a head are read; definitions end before the body.
  std::vector<StmtPtr> body() {
    expr_.clear_definitions();
    return block();
  }

  /// Positions only grow.
  int line_of(size_t position) {
    const std::string_view source = lexer_.source();
    line_ += static_cast<int>(
        std::count(source.begin() + static_cast<long>(counted_), source.begin() + static_cast<long>(position), '\n'));
    counted_ = position;
    return line_;
  }

  StmtPtr statement() {
    if (lexer_.is("{")) return make_block(body());
    if (lexer_.accept("for")) return for_loop(LoopKind::Serial);
    if (lexer_.accept("parallel")) return for_loop(LoopKind::Parallel);
    if (lexer_.accept("vector")) return for_loop(LoopKind::Vector);
    if (lexer_.accept("unrolled")) return for_loop(LoopKind::Unrolled);
    if (lexer_.accept("blocks")) return for_loop(LoopKind::Blocks);
    if (lexer_.accept("threads")) return for_loop(LoopKind::Threads);
    if (lexer_.accept("barrier")) return make_barrier();
    if (lexer_.accept("let")) return declare(false);
    if (lexer_.accept("var")) return declare(true);
    if (lexer_.accept("scratch")) return alloc(BufferKind::Scratch);
    if (lexer_.accept("register")) return alloc(BufferKind::Register);
    if (lexer_.accept("shared")) return alloc(BufferKind::Shared);
    if (lexer_.accept("check")) return check();
    if (lexer_.accept("prefetch")) {
      const Buffer* of = expr_.buffer(lexer_.next());
      return make_prefetch(of, expr_.indices());
    }
    if (lexer_.accept("while")) {
      const Expr condition = expr_.any();
      return make_while(condition, body());
    }
    if (lexer_.accept("if")) {
      const Expr condition = expr_.any();
      auto then = body();
      return make_if(condition, std::move(then), lexer_.accept("else") ? body() : std::vector<StmtPtr>{});
    }
    if (lexer_.peek().kind == TextToken::Value) return store();
    return assign();
  }

  StmtPtr for_loop(LoopKind kind) {
    const std::string name = new_name("a loop variable");
    lexer_.expect("in", "behind the loop variable");
    const Expr begin = expr_.typed(DType::i64);
    lexer_.expect("..", "between the bounds");
    const Expr end = expr_.typed(DType::i64);
    const int64_t step = lexer_.accept("step") ? lexer_.integer("the step") : 1;
    const Expr wave = lexer_.accept("waves") ? expr_.typed(DType::i64) : nullptr;
    const Joining joining = lexer_.accept("joining") ? read_joining() : Joining{};
    const LoopVar* var = context_->loop_var(name);
    names_.loops[name] = var;
    auto stmts = body();
    names_.loops.erase(name);
    StmtPtr loop = make_for(var, begin, end, kind, std::move(stmts), step);
    if (wave) {
      Stmt in_waves = *loop;
      in_waves.wave = wave;
      loop = std::make_shared<const Stmt>(std::move(in_waves));
    }
    return joining.sum ? make_joining(loop, joining.sum, joining.block, joining.outer, joining.inner) : loop;
  }

  struct Joining {
    const Local* sum = nullptr;
    int64_t block = 0;
    int outer = 0, inner = 0;
  };

  /// "acc by 256, outer 1, inner 2"
  Joining read_joining() {
    const Token name = lexer_.next();
    const auto at = names_.locals.find(name.text);
    if (name.kind != TextToken::Name || at == names_.locals.end())
      lexer_.fail_at(name.position, fmt::format("expected the local that is joined, found '{}'", name.text));
    Joining read{at->second, 0, 0, 0};
    lexer_.expect("by", "behind the local");
    read.block = count(1, INT64_MAX, "the block");
    lexer_.expect(",", "behind the block");
    lexer_.expect("outer", "of the joining loop");
    read.outer = static_cast<int>(count(0, kMaxNesting, "the number of outer loops"));
    lexer_.expect(",", "behind the outer loops");
    lexer_.expect("inner", "of the joining loop");
    read.inner = static_cast<int>(count(0, kMaxNesting, "the number of inner loops"));
    return read;
  }

  int64_t count(int64_t low, int64_t high, std::string_view what) {
    const size_t position = lexer_.position();
    const int64_t value = lexer_.integer(what);
    const std::string end = high == INT64_MAX ? "or more" : fmt::format("to {}", high);
    if (value < low || value > high)
      lexer_.fail_at(position, fmt::format("{} is {}, expected {} {}", what, value, low, end));
    return value;
  }

  StmtPtr declare(bool is_mutable) {
    const std::string name = new_name("a local");
    lexer_.expect(":", "behind the local's name");
    const ScalarType declared = type(true);
    lexer_.expect("=", "behind the type");
    const Expr value = expr_.typed(declared.dtype);
    const Local* local = context_->local(name, declared, is_mutable);
    names_.locals[name] = local;
    return make_declare(local, value);
  }

  StmtPtr assign() {
    const Token name = lexer_.next();
    const auto at = names_.locals.find(name.text);
    if (name.kind != TextToken::Name || at == names_.locals.end()) {
      std::vector<std::string> known(kWords.begin(), kWords.end());
      for (const auto& entry : names_.locals) known.push_back(entry.first);
      const auto near = base::nearest_name(name.text, known);
      lexer_.fail_at(name.position, fmt::format("expected a statement, found '{}'", name.text),
                     near ? fmt::format("did you mean '{}'?", *near) : "");
    }
    lexer_.expect("=", "behind the local");
    const Local* local = at->second;
    return make_assign(local, expr_.typed(local->type.dtype));
  }

  StmtPtr store() {
    const Buffer* to = expr_.buffer(lexer_.next());
    auto indices = expr_.indices();
    lexer_.expect("=", "behind the element");
    const Expr value = expr_.typed(to->dtype);
    return make_store(to, std::move(indices), value, lexer_.accept("where") ? expr_.any() : nullptr);
  }

  StmtPtr alloc(BufferKind kind) {
    const Token name = lexer_.next();
    if (name.kind != TextToken::Value) lexer_.fail_at(name.position, "expected % and a buffer's name");
    return make_alloc(buffer(name, kind, false));
  }

  StmtPtr check() {
    const Expr condition = expr_.any();
    lexer_.expect(",", "behind the condition");
    lexer_.expect("code", "of the check");
    const int64_t code = lexer_.integer("the code");
    lexer_.expect(",", "behind the code");
    lexer_.expect("index", "of the check");
    return make_check(condition, code, expr_.typed(DType::i64));
  }

  TextLexer& lexer_;
  std::shared_ptr<LoopContext> context_;
  Names names_;
  ExprParser expr_;
  Kernel kernel_;
  int depth_ = 0;
  int line_ = 1;  ///< of the position `counted_`
  size_t counted_ = 0;
};

}  // namespace

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_reserved_word(std::string_view name) { return std::find(kWords.begin(), kWords.end(), name) != kWords.end(); }

Result<std::vector<Kernel>> parse_kernels(std::string_view text) {
  if (text.size() > kMaxTextBytes)
    return Error(base::code::kMalformedLoops,
                 fmt::format("the text has {} bytes: at most {} are read", text.size(), kMaxTextBytes));
  try {
    TextLexer lexer(text, base::code::kMalformedLoops, TextNumbers::InExpressions);
    std::vector<Kernel> kernels;
    while (lexer.peek().kind != TextToken::End) kernels.push_back(Parser(lexer).kernel());
    return kernels;
  } catch (const Error& error) {
    return error;
  }
}

Result<Kernel> parse_kernel(std::string_view text) {
  auto kernels = parse_kernels(text);
  if (!kernels.ok()) return kernels.error();
  if (kernels->size() != 1)
    return Error(base::code::kMalformedLoops,
                 fmt::format("line 1, column 1: expected one kernel, found {}", kernels->size()));
  return std::move((*kernels)[0]);
}

}  // namespace strata::ir::loops
