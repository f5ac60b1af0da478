// strata error CODE: the page of an error code.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"

namespace strata::cli {
namespace {

struct Options {
  std::string code;
  bool markdown = false, json = false;
};

std::string_view kind_name(base::ErrorKind kind) {
  return kind == base::ErrorKind::User ? "user" : kind == base::ErrorKind::Environment ? "environment" : "internal";
}

std::vector<const base::ErrorPage*> pages_of(const Options& options) {
  if (options.code.empty()) return base::all_error_pages();
  if (const base::ErrorPage* page = base::find_error_page(options.code)) return {page};
  std::vector<std::string> codes;
  for (const base::ErrorPage* page : base::all_error_pages()) codes.emplace_back(page->code);
  base::Error error(base::code::kCommandLine, fmt::format("there is no error code '{}'", options.code));
  const auto near = base::nearest_name(options.code, codes);
  throw error.hint(near ? "did you mean '" + *near + "'?" : "`strata error` lists all codes");
}

std::string markdown(const std::vector<const base::ErrorPage*>& pages) {
  std::string text = "# Errors\n\nPrinted by `strata error --markdown`.\n";
  for (const base::ErrorPage* p : pages)
    text += fmt::format("\n## {}: {}\n\nKind: {}.\n\n{}\n", p->code, p->title, kind_name(p->kind), p->page);
  return text;
}

int run(const Options& options) {
  const auto pages = pages_of(options);
  if (options.markdown) return print_out(markdown(pages)), 0;
  base::Json list = base::Json::array();
  std::string text;
  for (const base::ErrorPage* p : pages) {
    list.push(base::Json::object()
                  .set("code", p->code.str())
                  .set("kind", kind_name(p->kind))
                  .set("title", p->title)
                  .set("page", p->page));
    text += options.code.empty()
                ? fmt::format("{}  {:11}  {}\n", p->code, kind_name(p->kind), p->title)
                : fmt::format("{}: {} ({} error)\n\n{}\n", p->code, p->title, kind_name(p->kind), p->page);
  }
  print_out(options.json ? list.dump_pretty() + "\n" : text);
  return 0;
}

}  // namespace

Run declare_error(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("CODE", options->code, "such as E0102; all codes if left out");
  line.add_flag("--markdown", options->markdown, "the page of all codes for the reference");
  line.add_flag("--json", options->json, "as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
