#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/base_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kUnreadableFile, ErrorKind::Environment, "a file can't be opened",
     "The file is missing, is a folder, or may not be read by this user. The message names the path and what the "
     "system said."},
    {code::kUnwritableFile, ErrorKind::Environment, "a file can't be written",
     "The disk is full, the folder is missing or may not be written by this user. The message names the path and what "
     "the system said. Files that are replaced as a whole (checkpoints, resolved configurations) keep their old "
     "content."},
    {code::kMalformedBinary, ErrorKind::User, "a binary file is truncated or malformed",
     "The message names the file, the offset in bytes, what was expected there and what was found. Usually a download "
     "was cut off or the file is of another format."},
    {code::kMalformedJson, ErrorKind::User, "a JSON text is malformed",
     "The message names the source, the line and the column. Texts that nest too deeply, are too large, or name a key "
     "twice in one object are refused too."},
    {code::kWrongJsonValue, ErrorKind::User, "a JSON value is not what was expected",
     "The text is JSON, but a key is missing or a value has another kind than its reader needs (a string where a "
     "number was expected). The message names both."},
    {code::kUnknownKey, ErrorKind::User, "the configuration has an unknown key",
     "The key is in no schema, or it belongs to another choice: a key of one architecture says nothing about another. "
     "The hint offers the nearest known key; `strata config` lists all of them."},
    {code::kConfigValue, ErrorKind::User, "a configuration value has the wrong type or is out of bounds",
     "The message names the key, what was expected, what was found, and the file and line or the override it came "
     "from."},
    {code::kMissingKey, ErrorKind::User, "a required configuration key is missing",
     "The key has no default. Set it in the file or with `--set key=value`."},
    {code::kMalformedToml, ErrorKind::User, "a configuration file is not TOML",
     "The message names the file, the line and the column, and what the reader of TOML said."},
};

}  // namespace

std::span<const ErrorPage> base_error_pages() { return kPages; }

}  // namespace strata::base
