#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0600", ErrorKind::User, "a data file is malformed",
     "The file is truncated or is not of the expected format. The message names the file, the byte offset, what was "
     "expected and what was found."},
    {"E0610", ErrorKind::User, "a tokenizer file is malformed",
     "The file is not a tokenizer.json: it isn't JSON, or a field is missing or has another type than expected. The "
     "message names the field, what was expected and what was found."},
    {"E0611", ErrorKind::User, "a tokenizer file asks for something that isn't supported",
     "Strata reads byte-level BPE with GPT-2's pre-tokeniser: no normaliser, ByteLevel pre-tokeniser without prefix "
     "space, ByteLevel decoder, special tokens without stripping. Another setting would encode differently, so it is "
     "refused."},
    {"E0612", ErrorKind::User, "a tokenizer can't be trained with these options",
     "The vocabulary must hold the 256 bytes and the special tokens, and at most 2^24 ids; the distinct words of the "
     "corpus must have less than 4 GiB together."},
    {"E0613", ErrorKind::User, "a token id is outside the vocabulary",
     "Decoding was given an id that the tokenizer doesn't have. Was the text encoded with another tokenizer?"},
    {"E0614", ErrorKind::User, "a tokenizer's vocabulary and merges contradict each other",
     "Every one of the 256 bytes must be a token, no token may occur twice, and a merge must join two tokens to the "
     "token that has their bytes. The message names the token or merge."},
    {"E0615", ErrorKind::User, "a special token can't be used",
     "Special tokens are 1 to 1024 bytes of valid UTF-8, distinct, with an id inside the vocabulary that no other "
     "token has."},
    {"E0616", ErrorKind::User, "a word is too long to encode",
     "One word, as the pre-tokeniser cuts them, is limited to 4 GiB."},
    {"E0630", ErrorKind::User, "a safetensors file is malformed",
     "The file is truncated, its header has a field of another kind than the format says, an element type that Strata "
     "lacks, or its tensors don't cover the data exactly once. The message names the file, the tensor, what was "
     "expected and what was found."},
    {"E0631", ErrorKind::User, "tensors can't be written as a safetensors file",
     "Names must be distinct, not empty, valid UTF-8 and other than __metadata__."},
    {"E0632", ErrorKind::User, "a tensor isn't in the file",
     "The file holds no tensor of that name; the hint offers the nearest one. A checkpoint of another architecture?"},
    {"E0633", ErrorKind::User, "an IDX file is malformed",
     "IDX files (MNIST and its relatives) begin with two zero bytes, an element type and the number of dimensions, "
     "then the dimensions and the elements. The message names the file, what was expected and what was found."},
    {"E0634", ErrorKind::Environment, "a data set isn't installed",
     "The files of the data set weren't found. The hint names the Debian package that holds them."},
    {"E0635", ErrorKind::User, "a data set's parts don't fit together",
     "Images and labels differ in number, a label is outside its range, or a transform has parameters that don't suit "
     "the images. The message names both values."},
    {"E0636", ErrorKind::User, "a loader can't be made with these options",
     "Batches have at least one sample, and an epoch at least one batch; a batch that is asked for by its number is "
     "one "
     "of the epoch."},
    {"E0637", ErrorKind::User, "a loader's state belongs to other data or options",
     "A run continues in mid-epoch only with the same samples, seed and batch size. The message names what differs."},
    {"E0638", ErrorKind::User, "a gzip file is corrupt",
     "The compressed data are truncated, damaged, or larger than what their reader allows."},
    {"E0640", ErrorKind::User, "a token file is malformed",
     "The file holds a text as token ids. It is truncated, of another format, or has an id outside its vocabulary."},
    {"E0641", ErrorKind::User, "a text is too short for the windows asked for",
     "A window needs as many tokens as its length and one more. The message names both counts."},
    {"E0642", ErrorKind::Environment, "a frozen text isn't the pinned one",
     "A comparison needs a text of known bytes. The message names the SHA-256 that was expected and the one found."},
    {"E0650", ErrorKind::Environment, "a Debian package of the corpus can't be had",
     "The corpus is built from Debian packages that apt downloads into the project's cache. The message names the "
     "package or list and what apt said. The machine is offline, or its package sources lack the package."},
    {"E0651", ErrorKind::Environment, "the corpus can't be built",
     "The packages hold less text than the corpus needs, or a program that unpacks them failed. The message says "
     "which."},
    {"E0652", ErrorKind::User, "a tar archive is malformed",
     "A header's checksum or size is wrong, or the archive ends within a file."},
    {"E0690", ErrorKind::User, "the data of a plot don't fit together",
     "A series needs as many x as y values, a group of bars one value for each category, and a matrix one value for "
     "each pair of labels. The message names the plot and both counts."},
    {"E0691", ErrorKind::User, "a picture can't be written as PNG",
     "A picture is 1 to 32768 pixels wide and high, has 1 channel (grey) or 3 (RGB), and holds width x height x "
     "channels bytes. The message names what it has."},
};

}  // namespace

std::span<const ErrorPage> data_error_pages() { return kPages; }

}  // namespace strata::base
