#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "strata/base/error/codes/ir_codes.h"
#include "strata/ir/graph/text/program_names.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/text/array_text.h"
#include "strata/ir/text/attr_text.h"
#include "strata/ir/text/encoding_text.h"
#include "strata/ir/text/fact_text.h"

namespace strata::ir {
namespace {

constexpr base::ErrorCode kCode = base::code::kMalformedProgram;
/// A shape of more axes, or a node of more operands, is a slip or an attack.
constexpr size_t kMostOperands = 65536;
constexpr int kMostAxes = 64;

/// Splits "mlp.cpp:17 hidden.weight"; without a line number all of it is the path.
Location read_location(std::string_view text) {
  Location where;
  const size_t blank = std::min(text.find(' '), text.size());
  const std::string_view head = text.substr(0, blank);
  const size_t colon = head.rfind(':');
  uint32_t line = 0;
  if (colon != head.npos && colon > 0) {
    const auto [end, error] = std::from_chars(head.data() + colon + 1, head.data() + head.size(), line);
    if (error == std::errc() && end == head.data() + head.size() && colon + 1 < head.size()) {
      where.file = intern(head.substr(0, colon));
      where.line = line;
      text = text.substr(blank);
      while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    }
  }
  if (!text.empty()) where.path = intern(text);
  return where;
}

/// Regions by their first line, each with its whole text: a program of many layers has the same ones again and again.
class KnownRegions {
 public:
  /// One whose text begins the text at hand, and the length of that.
  std::optional<std::pair<GraphRef, size_t>> find(std::string_view text) const {
    const auto [first, last] = by_line_.equal_range(line(text));
    for (auto at = first; at != last; ++at)
      if (text.starts_with(at->second.first)) return std::pair(at->second.second, at->second.first.size());
    return std::nullopt;
  }
  void add(std::string_view text, GraphRef region) { by_line_.emplace(line(text), std::pair(text, std::move(region))); }

 private:
  static std::string_view line(std::string_view text) { return text.substr(0, text.find('\n')); }
  std::unordered_multimap<std::string_view, std::pair<std::string_view, GraphRef>> by_line_;
};

class GraphParser {
 public:
  /// `names`: nothing, and all is called as in the text. `known`: regions that were read, to share them; null: each
  /// node has regions of its own, as passes may ask.
  GraphParser(TextLexer& lexer, const OpTable& ops, int depth, int64_t& literal_budget,
              std::optional<ProgramNames> names = std::nullopt, KnownRegions* known = nullptr)
      : lexer_(lexer), ops_(ops), depth_(depth), budget_(literal_budget), names_(names), known_(known) {}

  std::shared_ptr<Graph> parse() {
    if (depth_ < 0) lexer_.fail("regions nest too deeply");
    lexer_.expect("func", "at the start of a program");
    graph_ = std::make_shared<Graph>(std::string(lexer_.expect(TextToken::Function, "@ and the program's name").text));
    if (names_ && names_->like) graph_->set_name(names_->like->name());
    parameters();
    lexer_.expect("->", "behind the parameters");
    const size_t types_at = lexer_.position();
    const std::vector<Type> types = result_types();
    if (lexer_.accept("where")) read_facts(lexer_, graph_->facts());
    lexer_.expect("{", "before the program's body");
    bool has_results = false;
    while (!lexer_.accept("}")) {
      if (has_results || lexer_.at_end())
        lexer_.fail(fmt::format("expected '}}' behind the body, found {}", lexer_.found()));
      if (lexer_.accept("return"))
        results(types, types_at), has_results = true;
      else
        node();
    }
    if (!has_results && !types.empty())
      lexer_.fail_at(types_at, fmt::format("@{} returns nothing, expected {} results", graph_->name(), types.size()));
    return graph_;
  }

 private:
  void parameters() {
    lexer_.expect("(", "before the parameters");
    while (!lexer_.accept(")")) {
      if (!graph_->parameters().empty()) lexer_.expect(",", "or ')' behind a parameter");
      const Token name = lexer_.expect(TextToken::Value, "% and a parameter's name");
      lexer_.expect(":", "behind the parameter's name");
      const Type type = checked_type();
      define(name, graph_->add_parameter(type, parameter_name(name.text)));
    }
  }

  std::string parameter_name(std::string_view text) const {
    const size_t i = graph_->parameters().size();
    if (names_ && names_->like && i < names_->like->parameters().size())
      return std::string(names_->like->parameter_name(i));
    return names_ && text == fmt::format("p{}", i) ? "" : std::string(text);
  }

  Type checked_type() {
    const size_t position = lexer_.position();
    const Type type = read_type(lexer_);
    if (type.rank() > kMostAxes) lexer_.fail_at(position, fmt::format("a shape has at most {} axes", kMostAxes));
    (void)type.bytes();  // overflow (E0122) is found here rather than in a pass
    return type;
  }

  std::vector<Type> result_types() {
    std::vector<Type> types;
    if (!lexer_.accept("(")) return {checked_type()};
    while (!lexer_.accept(")")) {
      if (!types.empty()) lexer_.expect(",", "or ')' behind a result's type");
      types.push_back(checked_type());
    }
    return types;
  }

  void define(const Token& name, Value value) {
    if (!values_.emplace(name.text, value).second)
      lexer_.fail_at(name.position, fmt::format("%{} is there twice", name.text));
  }

  Value use(const Token& name) const {
    if (const auto it = values_.find(name.text); it != values_.end()) return it->second;
    std::vector<std::string> known;
    for (const auto& [text, value] : values_) known.emplace_back(text);
    std::sort(known.begin(), known.end());
    const auto near = base::nearest_name(name.text, known);
    lexer_.fail_at(name.position, fmt::format("%{} is not defined above in @{}", name.text, graph_->name()),
                   near ? "did you mean '%" + *near + "'?" : "");
  }

  const Op& op() {
    const Token name = lexer_.expect(TextToken::Name, "an op's name");
    if (const Op* op = ops_.find(name.text)) return *op;
    std::vector<std::string> names;
    for (const Op* op : ops_.all()) names.emplace_back(op->name);
    const auto near = base::nearest_name(name.text, names);
    lexer_.fail_at(name.position, fmt::format("there is no op named '{}'", name.text),
                   near ? "did you mean '" + *near + "'?" : "");
  }

  /// Operands; a literal takes its dtype and shape from the first value among them.
  std::vector<Value> operands() {
    struct Literal {
      size_t index, position;
    };
    std::vector<Value> values;
    std::vector<Literal> literals;
    if (lexer_.peek().kind != TextToken::Value && !begins_element(lexer_)) return values;
    do {
      if (values.size() >= kMostOperands) lexer_.fail("too many operands");
      if (begins_element(lexer_)) {
        literals.push_back({values.size(), lexer_.position()});
        values.emplace_back();
        skip_element();
      } else {
        values.push_back(use(lexer_.expect(TextToken::Value, "% and a value's name, or a number")));
      }
    } while (lexer_.accept(","));
    const size_t behind = lexer_.position();
    const auto like = std::find_if(values.begin(), values.end(), [](Value v) { return static_cast<bool>(v); });
    for (const Literal& literal : literals) {
      if (like == values.end())
        lexer_.fail_at(literal.position, "a number needs a value beside it to take its dtype from");
      lexer_.go_to(literal.position);
      values[literal.index] = splat(*like);
    }
    if (!literals.empty()) lexer_.go_to(behind);
    return values;
  }

  void skip_element() {
    lexer_.accept("-");
    if (lexer_.accept("bits"))
      while (!lexer_.at_end() && !lexer_.accept(")")) lexer_.next();
    else
      lexer_.next();
  }

  Value splat(Value like) {
    const Op *constant = ops_.find("constant"), *broadcast = ops_.find("broadcast");
    if (!constant || !broadcast) lexer_.fail("numbers as operands need the ops constant and broadcast");
    HostArray scalar(like.dtype(), {});
    const uint64_t bits = read_element(lexer_, like.dtype());
    std::memcpy(scalar.data(), &bits, scalar.bytes());
    const Value value = graph_->add1(*constant, {}, {Attr("value", &scalar)});
    if (like.rank() == 0) return value;
    return graph_->add1(*broadcast, {value}, {Attr("shape", like.shape()), Attr("axes", std::span<const int64_t>())});
  }

  void node() {
    const size_t start = lexer_.position();
    std::vector<Token> names;
    if (lexer_.peek().kind == TextToken::Value) {
      do names.push_back(lexer_.expect(TextToken::Value, "% and a name for the result"));
      while (lexer_.accept(","));
      lexer_.expect("=", "behind the results' names");
    }
    const Op& op = this->op();
    const std::vector<Value> operands = this->operands();
    AttrStore attrs;
    read_attrs(lexer_, op, attrs, budget_);
    std::vector<Type> types;
    const size_t types_at = lexer_.position();
    if (lexer_.accept(":")) {
      do types.push_back(checked_type());
      while (lexer_.accept(","));
    }
    const Location where = lexer_.is("@") ? read_location(lexer_.rest_of_line()) : Location{};
    std::vector<GraphRef> regions;
    while (lexer_.is("func")) regions.push_back(region());
    add(op, operands, attrs, regions, where, start, names, types, types_at);
  }

  GraphRef region() {
    const std::string_view text = lexer_.source().substr(lexer_.position());
    if (const auto known = known_ ? known_->find(text) : std::nullopt) {
      lexer_.go_to(lexer_.position() + known->second);
      return known->first;
    }
    const size_t begin = lexer_.position();
    const auto names = names_ ? std::optional(ProgramNames{}) : std::nullopt;
    GraphRef region = GraphParser(lexer_, ops_, depth_ - 1, budget_, names, known_).parse();
    if (known_) known_->add(text.substr(0, text.substr(0, lexer_.position() - begin).rfind('}') + 1), region);
    return region;
  }

  void add(const Op& op, std::span<const Value> operands, const AttrStore& attrs, std::span<const GraphRef> regions,
           const Location& where, size_t start, std::span<const Token> names, std::span<const Type> types,
           size_t types_at) {
    const LocationScope scope(*graph_, where);
    const Node* node = nullptr;
    try {
      node = graph_->add(op, operands, attrs.list, regions);
      for (Type t : node->types()) (void)t.bytes();
    } catch (base::Error& error) {
      throw error.note("at " + lexer_.place(start));
    }
    if (names.size() != node->result_count)
      lexer_.fail_at(start,
                     fmt::format("{} has {} results, found {} names", op.name, node->result_count, names.size()));
    for (size_t i = 0; i < names.size(); ++i) define(names[i], node->result(i));
    if (types.empty()) return;
    const bool fits = std::equal(types.begin(), types.end(), node->types().begin(), node->types().end());
    if (fits) return;
    std::string inferred;
    for (Type t : node->types()) inferred += (inferred.empty() ? "" : ", ") + t.str();
    lexer_.fail_at(types_at, fmt::format("{} gives {}, the text says otherwise", op.name,
                                         inferred.empty() ? "nothing" : inferred));
  }

  void results(const std::vector<Type>& types, size_t types_at) {
    std::vector<Value> values;
    do values.push_back(use(lexer_.expect(TextToken::Value, "% and a value's name")));
    while (lexer_.accept(","));
    if (values.size() != types.size())
      lexer_.fail_at(
          types_at, fmt::format("@{} should return {} results, found {}", graph_->name(), types.size(), values.size()));
    for (size_t i = 0; i < types.size(); ++i)
      if (values[i].type() != types[i])
        lexer_.fail_at(types_at, fmt::format("result {} of @{} should be {}, found {}", i, graph_->name(),
                                             types[i].str(), values[i].type().str()));
    graph_->set_results(values);
  }

  TextLexer& lexer_;
  const OpTable& ops_;
  const int depth_;
  int64_t& budget_;
  const std::optional<ProgramNames> names_;
  KnownRegions* const known_;
  std::shared_ptr<Graph> graph_;
  std::unordered_map<std::string_view, Value> values_;
};

}  // namespace

base::Result<std::vector<std::shared_ptr<Graph>>> parse_graphs(std::string_view text, const OpTable& ops,
                                                               const ParseLimits& limits) {
  try {
    TextLexer lexer(text, kCode);
    int64_t budget = limits.literal_bytes;
    std::vector<std::shared_ptr<Graph>> graphs;
    for (read_declarations(lexer); !lexer.at_end(); read_declarations(lexer))
      graphs.push_back(GraphParser(lexer, ops, limits.region_depth, budget).parse());
    return graphs;
  } catch (const base::Error& error) {
    return error;
  }
}

std::shared_ptr<Graph> parse_graph_at(TextLexer& lexer, const OpTable& ops, int64_t& literal_budget) {
  return GraphParser(lexer, ops, ParseLimits{}.region_depth, literal_budget).parse();
}

std::shared_ptr<Graph> parse_graph_at(TextLexer& lexer, const OpTable& ops, int64_t& literal_budget,
                                      const ProgramNames& names) {
  KnownRegions known;
  return GraphParser(lexer, ops, ParseLimits{}.region_depth, literal_budget, names, &known).parse();
}

base::Result<std::shared_ptr<Graph>> parse_graph(std::string_view text, const OpTable& ops, const ParseLimits& limits) {
  auto graphs = parse_graphs(text, ops, limits);
  if (!graphs.ok()) return graphs.error();
  if (graphs->size() != 1) return base::Error(kCode, fmt::format("expected one program, found {}", graphs->size()));
  return graphs->front();
}

}  // namespace strata::ir
