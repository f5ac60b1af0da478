// strata init CONFIG --out FILE: the parameters that a training starts from (or, of a run folder, those that it has).
#include <memory>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/config_argument.h"
#include "strata/cli/output_files.h"
#include "strata/formats/format.h"
#include "strata/train/open_task.h"

namespace strata::cli {

Run declare_init(CommandLine& line) {
  struct Options {
    ConfigArgument config;
    std::string out;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  add_config(line, options->config);
  line.add_option("--out", options->out,
                  "file of tensors with the names of PyTorch's state dict, in the format of its suffix (.safetensors)")
      .required();
  line.add_flag("--json", options->json, "what was written as JSON");
  return [options] {
    const formats::Format& format = formats::format_to_write(options->out);
    refuse_overwriting(std::vector<NamedFile>{{"--out", options->out}},
                       std::vector<NamedFile>{{"CONFIG", options->config.path}});
    const train::OpenedTask opened = train::open_task(options->config.path, options->config.overrides);
    std::vector<formats::NamedArray> arrays;
    for (train::NamedTensor& t : opened.task->weights()) arrays.push_back({std::move(t.name), std::move(t.array)});
    format.save(options->out, arrays, {{"format", "pt"}});
    if (options->json)
      print_out(base::Json::object()
                    .set("file", options->out)
                    .set("tensors", arrays.size())
                    .set("parameters", opened.task->parameters())
                    .dump() +
                "\n");
    return 0;
  };
}

}  // namespace strata::cli
