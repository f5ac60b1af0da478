#include "strata/ir/text/attr_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "strata/ir/loops/text/literal_text.h"
#include "strata/ir/text/array_text.h"
#include "strata/ir/text/encoding_text.h"

namespace strata::ir {
namespace {

/// What kind an undeclared attribute's value has, from how it begins.
AttrKind kind_of_text(TextLexer& lexer) {
  const Token token = lexer.peek();
  if (token.kind == TextToken::Text) return AttrKind::Text;
  if (lexer.is("true") || lexer.is("false")) return AttrKind::Bool;
  if (lexer.is("[")) return AttrKind::Ints;
  if (lexer.accept("dims")) return AttrKind::Dims;
  if (token.kind == TextToken::Number)
    return token.text.find_first_of(".einx") == token.text.npos ? AttrKind::Int : AttrKind::Float;
  if (lexer.is("inf") || lexer.is("nan") || lexer.is("bits") || lexer.is("-")) return AttrKind::Float;
  if (!dtype_from_name(token.text)) lexer.fail(fmt::format("expected an attribute's value, found {}", lexer.found()));
  const size_t position = lexer.position();
  lexer.next();
  const bool is_array = lexer.is("[");
  lexer.go_to(position);
  return is_array ? AttrKind::Array : AttrKind::Type;
}

template <class T, class Read>
std::vector<T>& read_list(TextLexer& lexer, std::vector<std::unique_ptr<std::vector<T>>>& lists, Read&& read) {
  auto& list = *lists.emplace_back(std::make_unique<std::vector<T>>());
  lexer.expect("[", "before the list");
  while (!lexer.accept("]")) {
    if (!list.empty()) lexer.expect(",", "or ']' in the list");
    list.push_back(read());
  }
  return list;
}

DType read_dtype(TextLexer& lexer) {
  const Token token = lexer.peek();
  const auto dtype = token.kind == TextToken::Name ? dtype_from_name(token.text) : std::nullopt;
  if (!dtype) {
    std::vector<std::string> names;
    for (DType t : kAllDTypes) names.emplace_back(dtype_name(t));
    const auto near = base::nearest_name(token.text, names);
    lexer.fail(fmt::format("expected a dtype, found {}", lexer.found()), near ? "did you mean '" + *near + "'?" : "");
  }
  lexer.next();
  return *dtype;
}

Attr read_value(TextLexer& lexer, std::string_view name, AttrKind kind, AttrStore& store, int64_t& budget) {
  switch (kind) {
    case AttrKind::Bool:
      return Attr(name, read_element(lexer, DType::boolean) != 0);
    case AttrKind::Int:
      return Attr(name, lexer.integer("an integer"));
    case AttrKind::Float: {
      const uint64_t bits = read_element(lexer, DType::f64);
      double value = 0;
      std::memcpy(&value, &bits, sizeof value);
      return Attr(name, value);
    }
    case AttrKind::Text: {
      const Token token = lexer.expect(TextToken::Text, "text in quotes");
      return Attr(name,
                  std::string_view(*store.texts.emplace_back(std::make_unique<std::string>(unescaped(token.text)))));
    }
    case AttrKind::Type:
      return Attr(name, read_dtype(lexer));
    case AttrKind::Array:
      return Attr(name, store.arrays.emplace_back(std::make_unique<HostArray>(read_array(lexer, budget))).get());
    case AttrKind::Ints:
      return Attr(name,
                  std::span<const int64_t>(read_list(lexer, store.ints, [&] { return lexer.integer("an integer"); })));
    case AttrKind::Dims:
      break;
  }
  return Attr(name, std::span<const Dim>(read_list(lexer, store.dims, [&] { return read_dim(lexer); })));
}

[[noreturn]] void fail_unknown(const TextLexer& lexer, const Token& name, const Op& op) {
  std::vector<std::string> names;
  for (const AttrSpec& s : op.attrs) names.emplace_back(s.name);
  const auto near = base::nearest_name(name.text, names);
  lexer.fail_at(name.position, fmt::format("{} has no attribute '{}'", op.name, name.text),
                near ? "did you mean '" + *near + "'?" : "");
}

}  // namespace

void read_attrs(TextLexer& lexer, const Op& op, AttrStore& store, int64_t& budget) {
  const size_t start = lexer.position();
  std::vector<Attr> declared(op.attrs.size()), further;
  std::vector<bool> is_there(op.attrs.size());
  if (lexer.accept("{")) {
    bool is_first = true;
    while (!lexer.accept("}")) {
      if (!is_first) lexer.expect(",", "or '}' behind an attribute");
      is_first = false;
      const Token name = lexer.expect(TextToken::Name, "an attribute's name");
      const auto spec =
          std::find_if(op.attrs.begin(), op.attrs.end(), [&](const AttrSpec& s) { return s.name == name.text; });
      const bool is_open = op.name == "composite";
      if (spec == op.attrs.end() && !is_open) fail_unknown(lexer, name, op);
      lexer.expect("=", "behind the attribute's name");
      if (spec == op.attrs.end()) {
        further.push_back(read_value(lexer, intern(name.text), kind_of_text(lexer), store, budget));
        continue;
      }
      const size_t at = spec - op.attrs.begin();
      if (is_there[at]) lexer.fail_at(name.position, fmt::format("attribute '{}' is there twice", name.text));
      is_there[at] = true;
      declared[at] = read_value(lexer, spec->name, spec->kind, store, budget);
    }
  }
  for (size_t i = 0; i < is_there.size(); ++i)
    if (!is_there[i]) lexer.fail_at(start, fmt::format("{} lacks attribute '{}'", op.name, op.attrs[i].name));
  store.list = std::move(declared);
  store.list.insert(store.list.end(), further.begin(), further.end());
}

Dim read_dim(TextLexer& lexer) {
  size_t position = lexer.position();
  const base::Result<Dim> dim = parse_dim_prefix(lexer.source(), position);
  if (!dim.ok()) lexer.fail(dim.error().message());
  lexer.go_to(position);
  return *dim;
}

Type read_type(TextLexer& lexer) {
  // Programs hold the same few types at every value.
  const size_t first = lexer.position(), behind = lexer.source().find(']', first);
  const std::string_view text =
      lexer.source().substr(first, behind == lexer.source().npos ? behind : behind + 1 - first);
  if (const auto known = lexer.known_types().find(text); known != lexer.known_types().end()) {
    lexer.go_to(behind + 1);
    return known->second;
  }
  const Encoding encoding = read_encoding(lexer);
  const size_t shape_at = lexer.position();
  lexer.expect("[", "behind the dtype");
  Shape shape;
  while (!lexer.accept("]")) {
    if (!shape.empty()) lexer.expect(",", "or ']' in the shape");
    const size_t position = lexer.position();
    shape.push_back(read_dim(lexer));
    if (shape.back().is_constant() && shape.back().constant() < 0) lexer.fail_at(position, "an extent is at least 0");
  }
  const Type type = [&] {
    try {
      return Type::of(encoding, shape);
    } catch (base::Error& error) {
      throw error.note("at " + lexer.place(shape_at));
    }
  }();
  lexer.known_types().emplace(text, type);
  return type;
}

}  // namespace strata::ir
