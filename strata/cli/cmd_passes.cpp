// strata passes: the pass list.

#include <memory>

#include "strata/base/json/json.h"
#include "strata/base/terminal/table.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/compiler/pipeline.h"

namespace strata::cli {

Run declare_passes(CommandLine& line) {
  struct Options {
    bool markdown = false, json = false;
  };
  auto options = std::make_shared<Options>();
  line.add_flag("--markdown", options->markdown, "the page for the reference");
  line.add_flag("--json", options->json, "as JSON");
  return [options] {
    base::Table table({{"pass"}, {"why it stands there"}});
    base::Json list = base::Json::array();
    for (const compiler::Pass& pass : compiler::pipeline()) {
      table.add({std::string(pass.name), std::string(pass.reason)});
      list.push(base::Json::object().set("name", pass.name).set("reason", pass.reason));
    }
    if (options->json)
      print_out(list.dump_pretty() + "\n");
    else if (options->markdown)
      print_out("# Passes\n\nPrinted by `strata passes --markdown`, in the order in which they run on a graph.\n\n" +
                table.markdown());
    else
      print_out(table.text());
    return 0;
  };
}

}  // namespace strata::cli
