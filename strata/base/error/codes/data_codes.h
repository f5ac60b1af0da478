// E06xx: texts, data sets, file formats and pictures.
#pragma once

#include "strata/base/error/error_code.h"

namespace strata::base::code {

inline constexpr ErrorCode kMalformedData{"E0600"};       ///< a data file is malformed
inline constexpr ErrorCode kMalformedTokenizer{"E0610"};  ///< a tokenizer file is malformed
inline constexpr ErrorCode kUnsupportedTokenizer{
    "E0611"};  ///< a tokenizer file asks for something that isn't supported
inline constexpr ErrorCode kUntrainableTokenizer{"E0612"};  ///< a tokenizer can't be trained with these options
inline constexpr ErrorCode kTokenOutOfRange{"E0613"};       ///< a token id is outside the vocabulary
inline constexpr ErrorCode kVocabularyConflict{"E0614"};  ///< a tokenizer's vocabulary and merges contradict each other
inline constexpr ErrorCode kSpecialToken{"E0615"};        ///< a special token can't be used
inline constexpr ErrorCode kLongWord{"E0616"};            ///< a word is too long to encode
inline constexpr ErrorCode kMalformedSafetensors{"E0630"};  ///< a safetensors file is malformed
inline constexpr ErrorCode kUnwritableTensors{"E0631"};     ///< tensors can't be written as a safetensors file
inline constexpr ErrorCode kMissingTensor{"E0632"};         ///< a tensor isn't in the file
inline constexpr ErrorCode kMalformedIdx{"E0633"};          ///< an IDX file is malformed
inline constexpr ErrorCode kMissingDataSet{"E0634"};        ///< a data set isn't installed
inline constexpr ErrorCode kUnfittingParts{"E0635"};        ///< a data set's parts don't fit together
inline constexpr ErrorCode kLoaderOptions{"E0636"};         ///< a loader can't be made with these options
inline constexpr ErrorCode kForeignLoaderState{"E0637"};    ///< a loader's state belongs to other data or options
inline constexpr ErrorCode kCorruptGzip{"E0638"};           ///< a gzip file is corrupt
inline constexpr ErrorCode kMalformedTokenFile{"E0640"};    ///< a token file is malformed
inline constexpr ErrorCode kShortText{"E0641"};             ///< a text is too short for the windows asked for
inline constexpr ErrorCode kChangedText{"E0642"};           ///< a frozen text isn't the pinned one
inline constexpr ErrorCode kMissingPackage{"E0650"};        ///< a Debian package of the corpus can't be had
inline constexpr ErrorCode kCorpusFailed{"E0651"};          ///< the corpus can't be built
inline constexpr ErrorCode kMalformedTar{"E0652"};          ///< a tar archive is malformed
inline constexpr ErrorCode kUnfittingPlot{"E0690"};         ///< the data of a plot don't fit together
inline constexpr ErrorCode kUnwritablePng{"E0691"};         ///< a picture can't be written as PNG

}  // namespace strata::base::code
