#include "strata/ir/text/encoding_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/ir/encoding/block_format.h"

namespace strata::ir {
namespace {

/// Position behind the bracket that closes the one at `first`; the loop program's own reader takes what lies between.
size_t end_of_braces(const TextLexer& lexer, size_t first) {
  const std::string_view source = lexer.source();
  int depth = 0;
  for (size_t i = first; i < source.size(); ++i) {
    if (source[i] == '/' && source.substr(i).starts_with("//")) i = std::min(source.find('\n', i), source.size() - 1);
    if (source[i] == '{') ++depth;
    if (source[i] == '}' && --depth == 0) return i + 1;
  }
  lexer.fail_at(first, "the declaration of an encoding does not end");
}

void collect(const Graph& graph, std::vector<const BlockFormat*>& formats) {
  for (const Node* node : graph.nodes()) {
    for (Type type : node->types())
      if (const BlockFormat* format = type.encoding().format();
          format && !format->is_built_in && std::ranges::find(formats, format) == formats.end())
        formats.push_back(format);
    for (const GraphRef& region : node->regions()) collect(*region, formats);
  }
}

}  // namespace

void read_declarations(TextLexer& lexer) {
  while (lexer.accept("encoding")) {
    const Token name = lexer.expect(TextToken::Name, "the encoding's name");
    if (!lexer.is("{")) lexer.fail(fmt::format("expected '{{' before the encoding's kernels, found {}", lexer.found()));
    const size_t first = lexer.position(), end = end_of_braces(lexer, first);
    try {
      declare_encoding(name.text, lexer.source().substr(first + 1, end - first - 2));
    } catch (base::Error& error) {
      throw error.note("at " + lexer.place(name.position));
    }
    lexer.go_to(end);
  }
}

std::string declarations_text(const Graph& graph) {
  std::vector<const BlockFormat*> formats;
  collect(graph, formats);
  std::string text;
  for (const BlockFormat* format : formats) text += declaration_text(*format);
  return text;
}

Encoding read_encoding(TextLexer& lexer) {
  const Token token = lexer.peek();
  const auto known = token.kind == TextToken::Name ? find_encoding(token.text) : std::nullopt;
  if (!known) {
    std::vector<std::string> names;
    for (DType t : kAllDTypes) names.emplace_back(dtype_name(t));
    for (Encoding e : built_in_encodings()) names.emplace_back(e.name());
    const auto near = base::nearest_name(token.text, names);
    lexer.fail(fmt::format("expected a dtype, found {}", lexer.found()), near ? "did you mean '" + *near + "'?" : "");
  }
  lexer.next();
  return *known;
}

}  // namespace strata::ir
