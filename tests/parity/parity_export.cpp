// parity_export CONFIG OUT: the validation batches of a configuration as safetensors; steps and hash as JSON on stdout.
#include <fmt/format.h>

#include "strata/base/error/error.h"
#include "strata/base/json/json.h"
#include "tests/parity/parity_inputs.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: parity_export CONFIG OUT\n");
    return 1;
  }
  try {
    using namespace strata;
    const train::OpenedTask opened = train::open_task(argv[1]);
    formats::save_safetensors(argv[2], parity::validation_batches(*opened.config));
    fmt::print("{}\n", base::Json::object()
                           .set("steps", parity::steps_of(opened))
                           .set("inputs_sha256", parity::inputs_sha256(opened))
                           .dump());
  } catch (const strata::base::Error& error) {
    fmt::print(stderr, "{}\n", error.text());
    return strata::base::exit_code(error.kind());
  }
  return 0;
}
