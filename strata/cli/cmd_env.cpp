// strata env: the environment variables.
#include <memory>

#include "strata/base/environment/variables.h"
#include "strata/base/json/json.h"
#include "strata/base/terminal/table.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"

namespace strata::cli {

Run declare_env(CommandLine& line) {
  struct Options {
    bool markdown = false, json = false;
  };
  auto options = std::make_shared<Options>();
  line.add_flag("--markdown", options->markdown, "the page for the reference");
  line.add_flag("--json", options->json, "as JSON");
  return [options] {
    base::Table page({{"variable"}, {"value"}, {"what it does"}, {"who reads it"}});
    base::Table table({{"variable"}, {"now"}, {"value"}, {"what it does"}});
    base::Json list = base::Json::array();
    for (const base::EnvironmentVariable& v : base::environment_variables()) {
      const auto now = base::environment(v.name);
      page.add({"`" + std::string(v.name) + "`", std::string(v.value), std::string(v.effect), std::string(v.reader)});
      table.add({std::string(v.name), now.value_or("-"), std::string(v.value), std::string(v.effect)});
      list.push(base::Json::object()
                    .set("name", v.name)
                    .set("value", v.value)
                    .set("effect", v.effect)
                    .set("reader", v.reader)
                    .set("now", now ? base::Json(*now) : base::Json(nullptr)));
    }
    if (options->json)
      print_out(list.dump_pretty() + "\n");
    else if (options->markdown)
      print_out(
          "# Environment variables\n\nPrinted by `strata env --markdown`. `every program` is one that uses the "
          "library, your own too.\n\n" +
          page.markdown());
    else
      print_out(table.text());
    return 0;
  };
}

}  // namespace strata::cli
