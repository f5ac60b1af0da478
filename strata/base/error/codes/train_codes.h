// E07xx: trainings, commands and options.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kRunExists{"E0701"};          ///< the run folder holds a run already
inline constexpr ErrorCode kNoCheckpoint{"E0702"};       ///< the run folder has no checkpoint
inline constexpr ErrorCode kDamagedCheckpoint{"E0703"};  ///< a checkpoint isn't whole
inline constexpr ErrorCode kStepNotFinite{"E0704"};      ///< a training step isn't finite
inline constexpr ErrorCode kForeignCheckpoint{"E0705"};  ///< a checkpoint is of another architecture
inline constexpr ErrorCode kUnableModel{"E0706"};        ///< the model can't do that
inline constexpr ErrorCode kPastTheEnd{"E0707"};         ///< a checkpoint is behind the end of the training
inline constexpr ErrorCode kFolderInUse{"E0708"};        ///< another training is going on in the run folder
inline constexpr ErrorCode kForeignRun{"E0709"};         ///< a run belongs to another text or tokenizer
inline constexpr ErrorCode kCommandLine{"E0710"};        ///< the command line isn't understood
inline constexpr ErrorCode kTrainingStopped{"E0711"};    ///< a training was stopped
inline constexpr ErrorCode kPeerFailed{"E0720"};         ///< a benchmark's peer failed
inline constexpr ErrorCode kNoSuchKernel{"E0750"};       ///< a kernel that the program does not have
inline constexpr ErrorCode kNodeWithoutKernel{"E0751"};  ///< a node that no kernel holds
inline constexpr ErrorCode kMissingArgument{"E0752"};    ///< a program lacks an argument
inline constexpr ErrorCode kOptionOutOfRange{"E0760"};   ///< an option is out of its range
inline constexpr ErrorCode kEmptyGroup{"E0761"};         ///< a parameter group matches nothing
inline constexpr ErrorCode kTwoGroups{"E0762"};          ///< a parameter is in two groups

}  // namespace strata::base::code
