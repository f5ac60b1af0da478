// E03xx: passes, backends, schedules, programs and their runs.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kBrokenGraph{"E0300"};        ///< a pass broke the graph
inline constexpr ErrorCode kChangedMeaning{"E0301"};     ///< a pass changed what the program means
inline constexpr ErrorCode kUnknownPass{"E0302"};        ///< no pass has this name
inline constexpr ErrorCode kWrongResult{"E0303"};        ///< compiled code computes something else than the interpreter
inline constexpr ErrorCode kRefusedKernel{"E0310"};      ///< a backend refuses a kernel
inline constexpr ErrorCode kUnloadableObject{"E0312"};   ///< an object file can't be loaded
inline constexpr ErrorCode kUnknownBackend{"E0313"};     ///< no backend has this name
inline constexpr ErrorCode kMemoryLimit{"E0314"};        ///< a program takes more memory than it may
inline constexpr ErrorCode kLeftAsWritten{"E0315"};      ///< strict: a kernel is left as written
inline constexpr ErrorCode kMalformedSchedule{"E0316"};  ///< a text that is no schedule
inline constexpr ErrorCode kUnfittingSchedule{"E0317"};  ///< a schedule that this kernel can't have
inline constexpr ErrorCode kNotFinite{"E0318"};          ///< a call would commit a NaN or an infinity
inline constexpr ErrorCode kCancelled{"E0319"};          ///< a run was cancelled
inline constexpr ErrorCode kPrintFailed{"E0320"};        ///< print can't write
inline constexpr ErrorCode kDonation{"E0321"};           ///< a donation that is not one
inline constexpr ErrorCode kContextInUse{"E0322"};       ///< a run context is in use
inline constexpr ErrorCode kForeignProgramFile{"E0323"};     ///< a program file of another build or CPU
inline constexpr ErrorCode kEmptyAxis{"E0324"};              ///< an empty axis needs the compiler
inline constexpr ErrorCode kUnwritableProgram{"E0325"};      ///< a program that can't be written to a file
inline constexpr ErrorCode kMalformedScheduleFile{"E0326"};  ///< a file of schedules that can't be read
inline constexpr ErrorCode kUpdateWouldCopy{"E0330"};        ///< an update that must be in place would copy
inline constexpr ErrorCode kHandedOver{"E0335"};             ///< a weight was handed over to its prepared forms
inline constexpr ErrorCode kNoControlPart{"E0340"};          ///< a kernel that is no static control part
inline constexpr ErrorCode kPolyhedralLimit{"E0341"};        ///< the polyhedral scheduler came to its bound
inline constexpr ErrorCode kOpenSize{"E0344"};               ///< a tuning does not know the sizes of its program

}  // namespace strata::base::code
