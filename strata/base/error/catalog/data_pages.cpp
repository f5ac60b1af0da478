#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/data_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kMalformedData, ErrorKind::User, "a data file is malformed",
     "The file is truncated or is not of the expected format. The message names the file, the byte offset, what was "
     "expected and what was found."},
    {code::kMalformedTokenizer, ErrorKind::User, "a tokenizer file is malformed",
     "The file is not a tokenizer.json: it isn't JSON, or a field is missing or has another type than expected. The "
     "message names the field, what was expected and what was found."},
    {code::kUnsupportedTokenizer, ErrorKind::User, "a tokenizer file asks for something that isn't supported",
     "Strata reads byte-level BPE with GPT-2's pre-tokeniser: no normaliser, ByteLevel pre-tokeniser without prefix "
     "space, ByteLevel decoder, special tokens without stripping. Another setting would encode differently, so it is "
     "refused."},
    {code::kUntrainableTokenizer, ErrorKind::User, "a tokenizer can't be trained with these options",
     "The vocabulary must hold the 256 bytes and the special tokens, and at most 2^24 ids; the distinct words of the "
     "corpus must have less than 4 GiB together."},
    {code::kTokenOutOfRange, ErrorKind::User, "a token id is outside the vocabulary",
     "Decoding was given an id that the tokenizer doesn't have. Was the text encoded with another tokenizer?"},
    {code::kVocabularyConflict, ErrorKind::User, "a tokenizer's vocabulary and merges contradict each other",
     "Every one of the 256 bytes must be a token, no token may occur twice, and a merge must join two tokens to the "
     "token that has their bytes. The message names the token or merge."},
    {code::kSpecialToken, ErrorKind::User, "a special token can't be used",
     "Special tokens are 1 to 1024 bytes of valid UTF-8, distinct, with an id inside the vocabulary that no other "
     "token has."},
    {code::kLongWord, ErrorKind::User, "a word is too long to encode",
     "One word, as the pre-tokeniser cuts them, is limited to 4 GiB."},
    {code::kMalformedSafetensors, ErrorKind::User, "a safetensors file is malformed",
     "The file is truncated, its header has a field of another kind than the format says, an element type that Strata "
     "lacks, or its tensors don't cover the data exactly once. The message names the file, the tensor, what was "
     "expected and what was found."},
    {code::kUnwritableTensors, ErrorKind::User, "tensors can't be written as a safetensors file",
     "Names must be distinct, not empty, valid UTF-8 and other than __metadata__. The file's suffix must be that of a "
     "format: the message lists them."},
    {code::kMissingTensor, ErrorKind::User, "a tensor isn't in the file",
     "The file holds no tensor of that name; the hint offers the nearest one. A checkpoint of another architecture?"},
    {code::kMalformedIdx, ErrorKind::User, "an IDX file is malformed",
     "IDX files (MNIST and its relatives) begin with two zero bytes, an element type and the number of dimensions, "
     "then the dimensions and the elements. The message names the file, what was expected and what was found."},
    {code::kMissingDataSet, ErrorKind::Environment, "a data set isn't installed",
     "The files of the data set weren't found. The hint names the Debian package that holds them."},
    {code::kUnfittingParts, ErrorKind::User, "a data set's parts don't fit together",
     "Images and labels differ in number, a label is outside its range, or a transform has parameters that don't suit "
     "the images. The message names both values."},
    {code::kLoaderOptions, ErrorKind::User, "a loader can't be made with these options",
     "Batches have at least one sample, and an epoch at least one batch; a batch that is asked for by its number is "
     "one "
     "of the epoch."},
    {code::kForeignLoaderState, ErrorKind::User, "a loader's state belongs to other data or options",
     "A run continues in mid-epoch only with the same samples, seed and batch size. The message names what differs."},
    {code::kCorruptGzip, ErrorKind::User, "a gzip file is corrupt",
     "The compressed data are truncated, damaged, or larger than what their reader allows."},
    {code::kMalformedTokenFile, ErrorKind::User, "a token file is malformed",
     "The file holds a text as token ids. It is truncated, of another format, or has an id outside its vocabulary."},
    {code::kShortText, ErrorKind::User, "a text is too short for the windows asked for",
     "A window needs as many tokens as its length and one more. The message names both counts."},
    {code::kChangedText, ErrorKind::Environment, "a frozen text isn't the pinned one",
     "A comparison needs a text of known bytes. The message names the SHA-256 that was expected and the one found."},
    {code::kMissingPackage, ErrorKind::Environment, "a Debian package of the corpus can't be had",
     "The corpus is built from Debian packages that apt downloads into the project's cache. The message names the "
     "package or list and what apt said. The machine is offline, or its package sources lack the package."},
    {code::kCorpusFailed, ErrorKind::Environment, "the corpus can't be built",
     "The packages hold less text than the corpus needs, or a program that unpacks them failed. The message says "
     "which."},
    {code::kMalformedTar, ErrorKind::User, "a tar archive is malformed",
     "A header's checksum or size is wrong, or the archive ends within a file."},
    {code::kUnfittingPlot, ErrorKind::User, "the data of a plot don't fit together",
     "A series needs as many x as y values, a group of bars one value for each category, and a matrix one value for "
     "each pair of labels. The message names the plot and both counts."},
    {code::kUnwritablePng, ErrorKind::User, "a picture can't be written as PNG",
     "A picture is 1 to 32768 pixels wide and high, has 1 channel (grey) or 3 (RGB), and holds width x height x "
     "channels bytes. The message names what it has."},
};

}  // namespace

std::span<const ErrorPage> data_error_pages() { return kPages; }

}  // namespace strata::base
