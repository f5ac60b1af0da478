#include <fmt/format.h>

#include <charconv>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/text/array_text.h"
#include "strata/ir/text/attr_text.h"
#include "strata/ir/text/encoding_text.h"

namespace strata::ir {
namespace {

constexpr base::ErrorCode kCode = base::code::kMalformedPlan;
constexpr int kMostRegions = 32;

/// A number or name that has to be one of a few things known only later.
struct Pending {
  size_t position;
  int64_t node;
};

class PlanParser {
 public:
  PlanParser(TextLexer& lexer, const OpTable& ops, int depth, int64_t& budget, const ProgramNames* names)
      : lexer_(lexer), ops_(ops), depth_(depth), budget_(budget), names_(names) {}

  std::shared_ptr<const Plan> parse() {
    if (depth_ < 0) lexer_.fail("plans nest too deeply");
    lexer_.expect("plan", "at the start of a plan");
    plan_.name = lexer_.expect(TextToken::Function, "@ and the plan's name").text;
    if (names_ && names_->like) plan_.name = names_->like->name();
    if (lexer_.accept("dims"))
      list([&] { plan_.dims.emplace_back(lexer_.expect(TextToken::Name, "a dimension's name").text); });
    lexer_.expect("{", "before the plan's body");
    while (!lexer_.accept("}")) item();
    if (!plan_.graph) lexer_.fail("the plan lacks its program");
    find_nodes();
    return std::make_shared<const Plan>(std::move(plan_));
  }

 private:
  template <class Read>
  void list(Read&& read) {
    lexer_.expect("(", "before the list");
    for (bool is_first = true; !lexer_.accept(")"); is_first = false) {
      if (!is_first) lexer_.expect(",", "or ')' in the list");
      read();
    }
  }

  void item() {
    const Token token = lexer_.peek();
    if (lexer_.is("encoding")) return read_declarations(lexer_);
    if (token.kind == TextToken::Number) return command();
    if (lexer_.is("plan")) {
      plan_.regions.push_back(part());
      return;
    }
    if (lexer_.is("func")) {
      if (plan_.graph) lexer_.fail("a plan has one program");
      plan_.graph = names_ ? parse_graph_at(lexer_, ops_, budget_, *names_) : parse_graph_at(lexer_, ops_, budget_);
      return;
    }
    if (lexer_.accept("prologue")) return prologue();
    if (lexer_.accept("entry")) return entry();
    if (lexer_.accept("arguments")) return list([&] { plan_.arguments.push_back(buffer()); });
    if (lexer_.accept("results")) return list([&] { plan_.results.push_back(buffer()); });
    if (lexer_.accept("donate")) return donation();
    if (lexer_.accept("keep")) return kept();
    if (lexer_.accept("finite")) return finite();
    definition();
  }

  std::shared_ptr<const Plan> part() {
    static constexpr ProgramNames kNoLike;
    return PlanParser(lexer_, ops_, depth_ - 1, budget_, names_ ? &kNoLike : nullptr).parse();
  }

  int number(std::string_view what) {
    const size_t position = lexer_.position();
    const int64_t value = lexer_.integer(what);
    if (value < -1 || value > (1 << 24)) lexer_.fail_at(position, fmt::format("expected {} of at most 2^24", what));
    return value;
  }

  /// b12: a buffer that is defined above.
  int buffer() {
    const Token token = lexer_.expect(TextToken::Name, "a buffer such as b0");
    int id = -1;
    const std::string_view digits = token.text.substr(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    const bool is_number = token.text[0] == 'b' && error == std::errc() && end == digits.data() + digits.size();
    if (!is_number || id < 0 || id >= std::ssize(plan_.buffers))
      lexer_.fail_at(token.position,
                     fmt::format("expected one of {} buffers, found '{}'", plan_.buffers.size(), token.text));
    return id;
  }

  void definition() {
    const Token name = lexer_.expect(TextToken::Name, "a buffer, a command or a list");
    const int id = plan_.buffers.size();
    if (name.text != fmt::format("b{}", id))
      lexer_.fail_at(name.position, fmt::format("expected b{}, found '{}'", id, name.text));
    lexer_.expect("=", "behind the buffer's name");
    PlanBuffer b;
    b.root = id;
    const Token kind = lexer_.expect(TextToken::Name, "argument, constant, result or arena");
    if (kind.text == "argument")
      b.kind = PlanBufferKind::Argument;
    else if (kind.text == "constant")
      b.kind = PlanBufferKind::Constant;
    else if (kind.text == "result")
      b.kind = PlanBufferKind::Result;
    else if (kind.text != "arena")
      lexer_.fail_at(kind.position, fmt::format("expected argument, constant, result or arena, found '{}'", kind.text));
    if (b.kind != PlanBufferKind::Arena) b.index = number("a position");
    if (lexer_.accept("in")) roots_.push_back({lexer_.position(), id}), b.root = later_buffer();
    lexer_.expect(":", "before the buffer's type");
    b.type = read_type(lexer_);
    lexer_.expect("live", "behind the buffer's type");
    lexer_.expect("[", "before the lifetime");
    b.first = number("a command");
    lexer_.expect(",", "in the lifetime");
    b.last = number("a command");
    lexer_.expect("]", "behind the lifetime");
    if (lexer_.accept("value")) {
      if (b.index != std::ssize(plan_.constants)) lexer_.fail("constants are numbered in their order");
      plan_.constants.push_back(read_array(lexer_, budget_));
    }
    plan_.buffers.push_back(b);
  }

  /// A root may stand below: an output written over an input that is numbered later.
  int later_buffer() {
    const Token token = lexer_.expect(TextToken::Name, "a buffer such as b0");
    int id = -1;
    const std::string_view digits = token.text.substr(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (token.text[0] != 'b' || error != std::errc() || end != digits.data() + digits.size() || id < 0)
      lexer_.fail_at(token.position, fmt::format("expected a buffer, found '{}'", token.text));
    return id;
  }

  void command() {
    const size_t position = lexer_.position();
    if (number("a command's number") != std::ssize(plan_.commands))
      lexer_.fail_at(position, fmt::format("expected command {}", plan_.commands.size()));
    PlanCommand c;
    if (lexer_.accept("kernel")) {
      c.kernel = kernel();
    } else if (lexer_.accept("host")) {
      c.kind = CommandKind::Host;
    } else {
      lexer_.expect("copy", "or kernel or host");
      c.kind = CommandKind::Copy;
    }
    lexer_.expect("#", "before the node's number");
    nodes_.push_back({lexer_.position(), number("a node's number")});
    list([&] { c.reads.push_back(buffer()); });
    lexer_.expect("->", "behind what is read");
    list([&] { c.writes.push_back(buffer()); });
    while (lexer_.accept("or")) {
      const int other = kernel();
      lexer_.expect("where", "behind the other kernel");
      const int most = number("the most that the size may be");
      lexer_.expect(">=", "before the size");
      c.variants.push_back({read_dim(lexer_), most, other});
    }
    if (lexer_.accept("regions")) list([&] { c.regions.push_back(number("a region")); });
    if (lexer_.accept("updates")) {
      c.updates = number("which of the reads");
      c.must_be_in_place = lexer_.accept("in_place");
    }
    if (lexer_.accept("copied")) {
      lexer_.expect("because", "behind copied");
      c.copied_because = unescaped(lexer_.expect(TextToken::Text, "the reason in quotes").text);
    }
    c.can_fail = lexer_.accept("can_fail");
    plan_.commands.push_back(std::move(c));
  }

  /// 3 @dot.77aa1122: the number and the name, which the plan keeps.
  int kernel() {
    const int id = number("a kernel's number");
    const Token name = lexer_.expect(TextToken::Function, "@ and the kernel's name");
    if (id < 0 || id > std::ssize(plan_.kernels) + 1024)
      lexer_.fail_at(name.position, "kernels are numbered without gaps");
    if (id >= std::ssize(plan_.kernels)) plan_.kernels.resize(id + 1);
    plan_.kernels[id] = name.text;
    return id;
  }

  void prologue() {
    PlanPrologue part;
    list([&] { part.from.push_back(number("an argument")); });
    part.plan = this->part();
    plan_.prologue.push_back(std::move(part));
  }

  void entry() {
    const Dim value = read_dim(lexer_);
    lexer_.expect(">=", "behind the dimension");
    plan_.entry.push_back({value, number("0 or 1")});
  }

  void donation() {
    lexer_.expect("result", "behind donate");
    const int result = number("a result");
    lexer_.expect("argument", "behind the result");
    plan_.donations.push_back({result, number("an argument")});
  }

  void kept() {
    lexer_.expect("argument", "behind keep");
    KeptArgument k;
    k.argument = number("an argument");
    lexer_.expect("beside", "behind the argument");
    lexer_.expect("result", "behind beside");
    k.result = number("a result");
    lexer_.expect("because", "behind the result");
    k.reason = unescaped(lexer_.expect(TextToken::Text, "the reason in quotes").text);
    plan_.kept.push_back(std::move(k));
  }

  void finite() {
    lexer_.expect("result", "behind finite");
    FiniteResult f;
    f.result = number("a result");
    f.name = unescaped(lexer_.expect(TextToken::Text, "the result's name in quotes").text);
    lexer_.expect("in", "behind the name");
    f.buffer = buffer();
    lexer_.expect("behind", "behind the buffer");
    f.command = number("a command");
    plan_.finite.push_back(std::move(f));
  }

  void find_nodes() {
    const auto all = plan_.graph->nodes();
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].node < 0 || nodes_[i].node >= std::ssize(all))
        lexer_.fail_at(nodes_[i].position, fmt::format("the program has {} nodes", all.size()));
      PlanCommand& command = plan_.commands[i];
      command.node = all[nodes_[i].node];
      if (command.kind == CommandKind::Copy) continue;
      if (command.node->is_parameter()) lexer_.fail_at(nodes_[i].position, "a parameter is not computed by a command");
      if (command.kind == CommandKind::Kernel && command.node->op->cost)
        command.cost = command.node->op->cost.fn(*command.node);
    }
    for (const Pending& root : roots_)
      if (plan_.buffers[root.node].root >= std::ssize(plan_.buffers))
        lexer_.fail_at(root.position, "there is no such buffer");
  }

  TextLexer& lexer_;
  const OpTable& ops_;
  const int depth_;
  int64_t& budget_;
  const ProgramNames* names_;  ///< null: all is called as in the text
  Plan plan_;
  std::vector<Pending> nodes_, roots_;
};

}  // namespace

base::Result<std::shared_ptr<const Plan>> parse_plan(std::string_view text, const OpTable& ops,
                                                     const ProgramNames* names) {
  try {
    TextLexer lexer(text, kCode);
    int64_t budget = ParseLimits{}.literal_bytes;
    read_declarations(lexer);
    auto plan = PlanParser(lexer, ops, kMostRegions, budget, names).parse();
    if (!lexer.at_end()) lexer.fail(fmt::format("expected the end behind the plan, found {}", lexer.found()));
    return plan;
  } catch (const base::Error& error) {
    return error;
  }
}

}  // namespace strata::ir
