// strata ops [NAME]: the op table.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/base/terminal/display_width.h"
#include "strata/base/terminal/table.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/ir/graph/op.h"
#include "strata/ops/composites/list.h"
#include "strata/ops/list.h"

namespace strata::cli {
namespace {

struct Options {
  std::string name;
  bool markdown = false, json = false;
};

std::string count_text(int least, int most) {
  if (most < 0) return fmt::format("{} or more", least);
  return least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
}

std::string_view kind_text(ir::AttrKind kind) {
  constexpr std::string_view kNames[] = {"bool",  "integer",  "float",      "text",
                                         "dtype", "integers", "dimensions", "array"};
  return kNames[static_cast<size_t>(kind)];
}

std::string tolerance_text(const ir::Tolerance& t) {
  switch (t.kind) {
    case ir::Tolerance::Kind::Exact:
      return "exact";
    case ir::Tolerance::Kind::Ulp:
      return fmt::format("{} ulp", t.amount);
    case ir::Tolerance::Kind::Sum:
      break;
  }
  return fmt::format("{} eps times the sum of |terms|, {} where full chains of equal terms round the same way",
                     t.amount, t.of_full_chains);
}

template <class Facet>
std::string facet_text(const Facet& facet) {
  return facet ? "yes" : facet.reason ? std::string("no: ") + facet.reason : "no";
}

/// Name and text of what a page tells beside the doc.
std::vector<std::pair<std::string, std::string>> facts_of(const ir::Op& op) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"operands", count_text(op.operands_min, op.operands_max)},
      {"dtypes", ir::dtype_set_str(op.types)},
      {"tolerance", tolerance_text(op.tolerance)},
      {"tangent", facet_text(op.jvp)},
      {"transpose", facet_text(op.transpose)},
      {"batching", facet_text(op.vmap)},
      {"loops", facet_text(op.lower)},
  };
  if (op.region_count != 0)
    facts.insert(facts.begin() + 1, {"regions", op.region_count < 0 ? "any number" : std::to_string(op.region_count)});
  return facts;
}

std::string page(const ir::Op& op) {
  std::string text = fmt::format("{} ({})\n\n{}\n\n", op.name, op.family, op.doc);
  for (const auto& [name, value] : facts_of(op)) text += fmt::format("  {:10} {}\n", name, value);
  for (const ir::AttrSpec& a : op.attrs)
    text += fmt::format("  attribute  {}: {}, {}\n", a.name, kind_text(a.kind), a.doc);
  return text;
}

std::string markdown(std::span<const ir::Op* const> ops) {
  std::string text = "# Ops\n\nPrinted by `strata ops --markdown` from the blocks in `strata/ops`.\n";
  std::string_view family;
  for (const ir::Op* op : ops) {
    if (op->family != family) text += fmt::format("\n## {}\n", family = op->family);
    text += fmt::format("\n### {}\n\n{}\n\n", op->name, op->doc);
    for (const ir::AttrSpec& a : op->attrs)
      text += fmt::format("- attribute `{}` ({}): {}\n", a.name, kind_text(a.kind), a.doc);
    for (const auto& [name, value] : facts_of(*op)) text += fmt::format("- {}: {}\n", name, value);
  }
  return text;
}

base::Json json_of(const ir::Op& op) {
  base::Json attrs = base::Json::array();
  for (const ir::AttrSpec& a : op.attrs)
    attrs.push(base::Json::object().set("name", a.name).set("kind", kind_text(a.kind)).set("doc", a.doc));
  base::Json json =
      base::Json::object().set("name", op.name).set("family", op.family).set("doc", op.doc).set("attributes", attrs);
  for (const auto& [name, value] : facts_of(op)) json.set(name, value);
  return json;
}

/// What is no op, and is looked for here all the same.
std::string composite_page(const ops::CompositeEntry& c, const Options& options) {
  if (options.json)
    return base::Json::object()
               .set("name", c.name)
               .set("family", "composites")
               .set("doc", c.doc)
               .set("header", c.header)
               .dump_pretty() +
           "\n";
  const char* const form = options.markdown ? "### {}\n\n{}.\n\n- a composite of ops: `{}` says what it takes\n"
                                            : "{} (a composite of ops)\n\n{}.\n\n  what it takes stands in  {}\n";
  return fmt::format(fmt::runtime(form), c.name, c.doc, c.header);
}

int run(const Options& options) {
  if (!options.name.empty()) {
    if (const ops::CompositeEntry* composite = ops::find_composite(options.name))
      return print_out(composite_page(*composite, options)), 0;
    const ir::Op& op = ops::op_table().get(options.name);
    const ir::Op* const one[] = {&op};
    print_out(options.json ? json_of(op).dump_pretty() + "\n" : options.markdown ? markdown(one) : page(op));
    return 0;
  }
  if (options.markdown) return print_out(markdown(ops::all_ops())), 0;
  base::Table table({{"op"}, {"family"}, {"meaning"}});
  base::Json list = base::Json::array();
  for (const ir::Op* op : ops::all_ops()) {
    const std::string_view first = op->doc.substr(0, std::min(op->doc.find(". "), op->doc.size()));
    table.add({std::string(op->name), std::string(op->family), base::fit_to(first, 90)});
    list.push(json_of(*op));
  }
  std::vector<std::string_view> composites;
  for (const ops::CompositeEntry& c : ops::all_composites()) composites.push_back(c.name);
  print_out(options.json
                ? list.dump_pretty() + "\n"
                : fmt::format("{}\nComposites of these, of which `strata ops NAME` says where they stand: {}\n",
                              table.text(), fmt::join(composites, ", ")));
  return 0;
}

}  // namespace

Run declare_ops(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("NAME", options->name, "one op, or a composite of ops; all of them if left out");
  line.add_flag("--markdown", options->markdown, "the page for the reference");
  line.add_flag("--json", options->json, "as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
