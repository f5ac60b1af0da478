// parity_export FOLDER: for each case <name>.safetensors (weights, batches) and <name>.json (the recipe), for
// tools/golden/parity.py.
#include <fmt/format.h>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "tests/parity/parity_case.h"

namespace {

void export_all(const std::string& folder) {
  using namespace strata;
  base::make_folders(folder);
  for (const parity::CaseName& name : parity::cases()) {
    const std::unique_ptr<parity::Case> c = name.open();
    base::Json recipe = c->recipe().json();
    recipe.set("inputs_sha256", parity::inputs_sha256(*c));
    formats::save_safetensors(folder + "/" + name.name + ".safetensors", parity::exported(*c));
    base::write_file(folder + "/" + name.name + ".json", recipe.dump_pretty());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: parity_export FOLDER\n");
    return 1;
  }
  try {
    export_all(argv[1]);
  } catch (const strata::base::Error& error) {
    fmt::print(stderr, "{}\n", error.text());
    return strata::base::exit_code(error.kind());
  }
  return 0;
}
