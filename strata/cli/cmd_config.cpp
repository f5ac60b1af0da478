// strata config: the keys of a training configuration, and the check of a file.
#include <memory>

#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/train/config/schema.h"
#include "strata/train/open_task.h"

namespace strata::cli {
namespace {

struct Options {
  std::string check;
  std::vector<std::string> overrides;
  bool markdown = false, json = false;
};

base::Json key_json(const base::ConfigKey& key) {
  return base::Json::object()
      .set("key", key.key)
      .set("type", base::config_type_name(key.type))
      .set("default", base::toml_text(key.fallback))
      .set("expected", base::describe_expected(key))
      .set("help", key.help);
}

/// Keys that stand for one choice alone say it: {"where": {"model.kind": "..."}}.
base::Json schema_json() {
  base::Json list = base::Json::array();
  for (const base::ConfigKey& key : train::training_schema().keys()) list.push(key_json(key));
  for (const base::Variant& variant : train::training_schema().variants())
    for (const base::ConfigKey& key : variant.keys)
      list.push(key_json(key).set("where", base::Json::object().set(variant.choice, variant.value)));
  return list;
}

int run(const Options& options) {
  if (!options.check.empty()) {
    const auto config = train::open_config(options.check, options.overrides);
    print_out(options.json ? config->to_json().dump_pretty() + "\n" : config->to_toml());
  } else if (options.json) {
    print_out(schema_json().dump_pretty() + "\n");
  } else {
    print_out("# Configuration\n\nPrinted by `strata config --markdown`: the keys of `strata train CONFIG.toml`.\n\n" +
              train::training_schema().to_markdown());
  }
  return 0;
}

}  // namespace

Run declare_config(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("--check", options->check, "a TOML file or run folder: checks it and prints it resolved");
  add_overrides(line, options->overrides, "with --check: key=value, replaces what the file says");
  line.add_flag("--markdown", options->markdown, "the page for the reference (the default)");
  line.add_flag("--json", options->json, "as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
