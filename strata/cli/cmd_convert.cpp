// strata convert FILE --out FILE: tensors from one format of files to another.
#include <memory>
#include <vector>

#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/cli/output_files.h"
#include "strata/formats/format.h"

namespace strata::cli {

Run declare_convert(CommandLine& line) {
  struct Options {
    std::string from, out;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  line.add_option("FILE", options->from, "file of tensors, in the format of its suffix").required();
  line.add_option("--out", options->out, "file that is written, in the format of its suffix").required();
  line.add_flag("--json", options->json, "what was written as JSON");
  return [options] {
    const formats::Format& format = formats::format_to_write(options->out);
    refuse_overwriting(std::vector<NamedFile>{{"--out", options->out}},
                       std::vector<NamedFile>{{"FILE", options->from}});
    const std::vector<formats::NamedArray> arrays = formats::load_tensors(options->from).value();
    format.save(options->out, arrays, {});
    if (options->json)
      print_out(base::Json::object()
                    .set("file", options->out)
                    .set("format", format.name)
                    .set("tensors", arrays.size())
                    .dump() +
                "\n");
    return 0;
  };
}

}  // namespace strata::cli
