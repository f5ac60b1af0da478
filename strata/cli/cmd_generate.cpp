// strata generate RUN --prompt TEXT: a trained language model continues a text.
#include <memory>

#include "strata/base/json/json.h"
#include "strata/cli/command.h"
#include "strata/cli/command_line.h"
#include "strata/train/language/generate_text.h"

namespace strata::cli {
namespace {

struct Options {
  std::string run, prompt;
  int64_t tokens = 100, top_k = 40;
  uint64_t seed = 0;
  double temperature = 0.8;
  bool json = false;
};

int run(const Options& options) {
  const train::LanguageModel trained = train::load_language_model(options.run);
  const infer::SamplingOptions sampling{
      .temperature = options.temperature, .top_k = options.top_k, .seed = options.seed};
  const std::string text = trained.continued(options.prompt, {.sampling = sampling, .tokens = options.tokens});
  print_out(options.json ? base::Json::object().set("text", text).dump() + "\n" : text + "\n");
  return 0;
}

}  // namespace

Run declare_generate(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add_option("RUN", options->run, "run folder of a language model").required();
  line.add_option("--prompt", options->prompt, "the text to continue; empty: a new text");
  line.add_whole_number("--tokens", options->tokens, 1, 1'000'000, "new tokens at most");
  line.add_real_number("--temperature", options->temperature, 0, "0: always the most likely token");
  line.add_whole_number("--top-k", options->top_k, 0, 1'000'000, "draw from the k most likely tokens; 0: from all");
  line.add_seed("--seed", options->seed, "the same seed gives the same text");
  line.add_flag("--json", options->json, "as JSON");
  return [options] { return run(*options); };
}

}  // namespace strata::cli
