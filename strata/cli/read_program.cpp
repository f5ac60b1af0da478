#include "strata/cli/read_program.h"

#include <algorithm>
#include <cstdio>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/ir_codes.h"

namespace strata::cli {
namespace {

constexpr std::string_view kRulesOfTexts[] = {base::code::kIllTypedExpr, base::code::kBrokenLoops,
                                              base::code::kOutOfBuffer, base::code::kProgramRule,
                                              base::code::kPlanRule};

}  // namespace

std::string program_text(const std::string& file) {
  if (file != "-") return base::read_text(file).value();
  std::string text;
  char buffer[65536];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, stdin)) text.append(buffer, n);
  return text;
}

base::Error blamed_on_file(const base::Error& error, const std::string& file) {
  const bool is_rule = std::ranges::find(kRulesOfTexts, error.code()) != std::end(kRulesOfTexts);
  base::Error blamed(is_rule ? base::code::kRuleInFile : error.code(), error.message());
  for (const std::string& note : error.notes()) blamed.note(note);
  blamed.note("in " + (file == "-" ? "standard input" : file));
  for (const std::string& hint : error.hints()) blamed.hint(hint);
  return blamed;
}

}  // namespace strata::cli
