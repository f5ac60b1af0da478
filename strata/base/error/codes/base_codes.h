// E00xx: files, JSON and configurations.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kUnreadableFile{"E0001"};   ///< a file can't be opened
inline constexpr ErrorCode kUnwritableFile{"E0002"};   ///< a file can't be written
inline constexpr ErrorCode kMalformedBinary{"E0003"};  ///< a binary file is truncated or malformed
inline constexpr ErrorCode kMalformedJson{"E0004"};    ///< a JSON text is malformed
inline constexpr ErrorCode kWrongJsonValue{"E0005"};   ///< a JSON value is not what was expected
inline constexpr ErrorCode kUnknownKey{"E0006"};       ///< the configuration has an unknown key
inline constexpr ErrorCode kConfigValue{"E0007"};      ///< a configuration value has the wrong type or is out of bounds
inline constexpr ErrorCode kMissingKey{"E0008"};       ///< a required configuration key is missing
inline constexpr ErrorCode kMalformedToml{"E0009"};    ///< a configuration file is not TOML

}  // namespace strata::base::code
