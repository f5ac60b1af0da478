#include "strata/text/tokenizer_json/load.h"

#include <fmt/format.h>

#include <unordered_map>

#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/text/bpe/byte_alphabet.h"
#include "strata/text/tokenizer_json/field.h"

namespace strata::text {
namespace {

using TokenIds = std::unordered_map<std::string_view, TokenId>;

// Ids may have holes, but a file of 1 kB must not make a table of 16 M tokens.
constexpr std::size_t kIdsPerEntry = 4, kSpareIds = 1 << 16;

void require_null(const Field& field) {
  if (!field.is_null()) field.unsupported("null");
}

void require_false(const Field& field) {
  if (field.as_bool_or(false)) field.unsupported("false");
}

void require_type(const Field& field, std::string_view type) {
  if (field.is_null() || field.member("type").as_string() != type) field.unsupported(fmt::format("\"{}\"", type));
}

// Everything that decides about the encoding besides vocabulary, merges and special tokens.
void check_settings(const Field& root) {
  require_null(root.member("normalizer"));
  require_null(root.member("truncation"));
  require_null(root.member("padding"));
  const Field split = root.member("pre_tokenizer");
  require_type(split, "ByteLevel");
  if (split.member("add_prefix_space").as_bool_or(true)) split.member("add_prefix_space").unsupported("false");
  if (!split.member("use_regex").as_bool_or(true)) split.member("use_regex").unsupported("true");
  // ByteLevel as post-processor only moves offsets; others add tokens.
  if (!root.member("post_processor").is_null()) require_type(root.member("post_processor"), "ByteLevel");
  require_type(root.member("decoder"), "ByteLevel");
  const Field model = root.member("model");
  if (!model.member("type").is_null()) require_type(model, "BPE");  // old files don't name it
  require_null(model.member("unk_token"));
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Field field = model.member(affix);
    if (!field.is_null() && !field.as_string().empty()) field.unsupported("null");
  }
  for (const char* flag : {"byte_fallback", "ignore_merges"}) require_false(model.member(flag));
  const Field dropout = model.member("dropout");
  if (!dropout.is_null()) dropout.unsupported("null");
}

SpecialToken read_special_token(const Field& field) {
  for (const char* flag : {"single_word", "lstrip", "rstrip"}) require_false(field.member(flag));
  SpecialToken token;
  token.content = field.member("content").as_string();
  token.id = field.member("id").as_integer(0, kMaxTokenId);
  token.special = field.member("special").as_bool_or(false);
  token.normalized = field.member("normalized").as_bool_or(true);
  return token;
}

std::vector<SpecialToken> read_special_tokens(const Field& list) {
  std::vector<SpecialToken> tokens;
  if (list.is_null()) return tokens;
  for (std::size_t i = 0; i < list.as_array().size(); ++i) tokens.push_back(read_special_token(list.item(i)));
  return tokens;
}

// Reads the vocabulary into `ids` (by spelling; views into the document).
TokenIds read_vocabulary(const Field& field) {
  TokenIds ids;
  const auto& members = field.as_object();
  ids.reserve(members.size());
  for (const base::JsonMember& member : members) {
    const Field id(member.value, fmt::format("token \"{}\"", member.key));
    ids.emplace(member.key, id.as_integer(0, kMaxTokenId));
  }
  return ids;
}

// Room for every id, refused where a few entries claim an id far beyond their number.
std::size_t vocabulary_size(const TokenIds& ids, const std::vector<SpecialToken>& specials, const Field& model) {
  std::size_t size = 0;
  for (const auto& [spelling, id] : ids) size = std::max(size, std::size_t{id} + 1);
  for (const SpecialToken& token : specials) size = std::max(size, std::size_t{token.id} + 1);
  const std::size_t most = (ids.size() + specials.size()) * kIdsPerEntry + kSpareIds;
  if (size > most) model.fail(fmt::format("ids below {} with {} tokens, not {}", most, ids.size(), size - 1));
  return size;
}

std::vector<std::string> read_tokens(const TokenIds& ids, const std::vector<SpecialToken>& specials, std::size_t size,
                                     const Field& vocabulary) {
  TokenIds special_ids;
  for (const SpecialToken& token : specials) {
    const auto found = ids.find(token.content);
    if (found != ids.end() && found->second != token.id) {
      vocabulary.fail(
          fmt::format("id {} for the special token \"{}\", not {}", token.id, token.content, found->second));
    }
    special_ids.emplace(token.content, token.id);
  }
  std::vector<std::string> tokens(size);
  for (const auto& [spelling, id] : ids) {
    std::optional<std::string> bytes = unspell_bytes(spelling);
    if (special_ids.contains(spelling)) {
      if (bytes != spelling) continue;
    } else if (!bytes || bytes->empty()) {
      vocabulary.fail(fmt::format("tokens spelled in the byte alphabet, not \"{}\" (id {})", spelling, id));
    }
    if (!tokens[id].empty()) vocabulary.fail(fmt::format("distinct ids, not {} twice", id));
    tokens[id] = *std::move(bytes);
  }
  return tokens;
}

std::pair<std::string_view, std::string_view> read_merge(const base::Json& value, const Field& merges,
                                                         std::size_t rank) {
  if (value.is_string()) {
    const std::string_view text = value.as_string();
    const std::size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  } else if (value.is_array() && value.size() == 2 && value.items()[0].is_string() && value.items()[1].is_string()) {
    return {value.items()[0].as_string(), value.items()[1].as_string()};
  }
  merges.item(rank).fail("\"left right\" or [\"left\", \"right\"]");
}

std::vector<Merge> read_merges(const Field& field, const TokenIds& ids) {
  std::vector<Merge> merges;
  const auto& items = field.as_array();
  merges.reserve(items.size());
  std::string joined;
  const auto id_of = [&](std::string_view spelling) {
    const auto found = ids.find(spelling);
    if (found == ids.end()) {
      field.item(merges.size()).fail(fmt::format("tokens of the vocabulary, which has no \"{}\"", spelling));
    }
    return found->second;
  };
  for (const base::Json& item : items) {
    const auto [left, right] = read_merge(item, field, merges.size());
    joined.assign(left).append(right);
    merges.push_back({id_of(left), id_of(right), id_of(joined)});
  }
  return merges;
}

TokenizerParts read_parts(const Field& root) {
  check_settings(root);
  const Field model = root.member("model"), vocabulary = model.member("vocab");
  const TokenIds ids = read_vocabulary(vocabulary);
  TokenizerParts parts;
  parts.special_tokens = read_special_tokens(root.member("added_tokens"));
  const std::size_t size = vocabulary_size(ids, parts.special_tokens, vocabulary);
  parts.tokens = read_tokens(ids, parts.special_tokens, size, vocabulary);
  parts.merges = read_merges(model.member("merges"), ids);
  return parts;
}

}  // namespace

base::Result<Tokenizer> parse_tokenizer(std::string_view text, std::string_view source) {
  const base::Result<base::Json> document =
      base::parse_json(text, source, {.depth = 16, .bytes = kMaxTokenizerFileBytes});
  if (!document) return document.error();
  try {
    return Tokenizer::make(read_parts(Field(*document, std::string(source))));
  } catch (const base::Error& error) {
    return error;
  }
}

base::Result<Tokenizer> load_tokenizer(const std::string& path) {
  const base::Result<std::uint64_t> bytes = base::file_bytes(path);
  if (!bytes) return bytes.error();
  if (*bytes > kMaxTokenizerFileBytes) {
    return base::Error(base::code::kMalformedTokenizer,
                       fmt::format("{}: expected at most {} bytes, found {}", path, kMaxTokenizerFileBytes, *bytes));
  }
  const base::Result<std::string> text = base::read_text(path);
  if (!text) return text.error();
  return parse_tokenizer(*text, path);
}

}  // namespace strata::text
