// strata data CONFIG --batches N --out FILE: the first batches of a training, as the model gets them: x.0, y.0, x.1,
// ...
#include <memory>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/cli/output_files.h"
#include "strata/formats/format.h"
#include "strata/train/open_task.h"

namespace strata::cli {

Run declare_data(CommandLine& line) {
  struct Options {
    ConfigArgument config;
    std::string out;
    int64_t batches = 1;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  add_config(line, options->config);
  line.add_option("--batches", options->batches, "how many").between(1, 100000);
  line.add_option("--out", options->out, "file of tensors, in the format of its suffix (.safetensors)").required();
  line.add_flag("--json", options->json, "what was written as JSON");
  return [options] {
    const formats::Format& format = formats::format_to_write(options->out);
    refuse_overwriting(std::vector<NamedFile>{{"--out", options->out}},
                       std::vector<NamedFile>{{"CONFIG", options->config.path}});
    const train::OpenedTask opened = train::open_task(options->config.path, options->config.overrides);
    std::vector<formats::NamedArray> arrays;
    for (int64_t i = 0; i < options->batches; ++i)
      for (train::NamedTensor& t : opened.task->batch(i))
        arrays.push_back({t.name + "." + std::to_string(i), std::move(t.array)});
    format.save(options->out, arrays, {{"batches", std::to_string(options->batches)}});
    if (options->json)
      print_out(base::Json::object().set("file", options->out).set("batches", options->batches).dump() + "\n");
    return 0;
  };
}

}  // namespace strata::cli
