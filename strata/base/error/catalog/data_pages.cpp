#include "strata/base/error/catalog.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {"E0600", ErrorKind::User, "a data file is malformed",
     "The file is truncated or is not of the expected format. The message names the file, the byte offset, what was expected and what was found."},
    {"E0610", ErrorKind::User, "a tokenizer file is malformed",
     "The file is not a tokenizer.json: it isn't JSON, or a field is missing or has another type than expected. The message "
     "names the field, what was expected and what was found."},
    {"E0611", ErrorKind::User, "a tokenizer file asks for something that isn't supported",
     "Strata reads byte-level BPE with GPT-2's pre-tokeniser: no normaliser, ByteLevel pre-tokeniser without prefix space, "
     "ByteLevel decoder, special tokens without stripping. Another setting would encode differently, so it is refused."},
    {"E0612", ErrorKind::User, "a tokenizer can't be trained with these options",
     "The vocabulary must hold the 256 bytes and the special tokens, and at most 2^24 ids; the distinct words of the corpus "
     "must have less than 4 GiB together."},
    {"E0613", ErrorKind::User, "a token id is outside the vocabulary",
     "Decoding was given an id that the tokenizer doesn't have. Was the text encoded with another tokenizer?"},
    {"E0614", ErrorKind::User, "a tokenizer's vocabulary and merges contradict each other",
     "Every one of the 256 bytes must be a token, no token may occur twice, and a merge must join two tokens to the token "
     "that has their bytes. The message names the token or merge."},
    {"E0615", ErrorKind::User, "a special token can't be used",
     "Special tokens are 1 to 1024 bytes of valid UTF-8, distinct, with an id inside the vocabulary that no other token has."},
    {"E0616", ErrorKind::User, "a word is too long to encode",
     "One word, as the pre-tokeniser cuts them, is limited to 4 GiB."},
    {"E0690", ErrorKind::User, "the data of a plot don't fit together",
     "A series needs as many x as y values, a group of bars one value for each category, and a matrix one value for each pair "
     "of labels. The message names the plot and both counts."},
    {"E0691", ErrorKind::User, "a picture can't be written as PNG",
     "A picture is 1 to 32768 pixels wide and high, has 1 channel (grey) or 3 (RGB), and holds width x height x channels "
     "bytes. The message names what it has."},
};

}  // namespace

std::span<const ErrorPage> data_error_pages() { return kPages; }

}  // namespace strata::base
