// libFuzzer target of the configuration reader: any text and overrides are refused with a User error, or give a
// configuration that prints as TOML which loads to an equal one. The input is the file's text; what follows a zero byte
// is an override, as after --set.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/config/config.h"
#include "strata/base/error/error.h"

namespace {

using namespace strata::base;

/// One key of every type, at several depths of tables.
Schema every_type() {
  return Schema(
      {{string_key("name", "run", "a string"), int_key("train.steps", 10, "an integer").at_least(1),
        float_key("train.lr", 1e-3, "a number").between(0, 10), bool_key("train.strict", false, "a bool"),
        choice_key("optim.name", "sgd", {"sgd", "adamw"}, "a choice"), ints_key("model.dims", {4}, "integers"),
        floats_key("optim.betas", {0.9}, "numbers"), strings_key("data.files", {}, "strings"),
        int_key("model.head.width", 3, "a key in a table of a table")}},
      {{"optim.name", "adamw", {float_key("optim.decay", 0, "a key of one choice")}},
       {"optim.name", "sgd", {int_key("optim.decay", 0, "the same name, another type")}}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Schema schema = every_type();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> parts;
  for (size_t end = 0; end != std::string_view::npos; rest.remove_prefix(end == std::string_view::npos ? 0 : end + 1)) {
    end = rest.find('\0');
    parts.emplace_back(rest.substr(0, end));
  }
  const std::string text = parts.front();
  parts.erase(parts.begin());
  try {
    const Config config = parse_config(schema, text, "input", parts);
    if (!(parse_config(schema, config.to_toml(), "printed") == config)) __builtin_trap();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::User) __builtin_trap();
  }
  return 0;
}
