#include "strata/text/tokenizer_json/save.h"

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/json/json.h"
#include "strata/text/bpe/byte_alphabet.h"

namespace strata::text {
namespace {

using base::Json;
using base::JsonMember;

Json byte_level(bool add_prefix_space) {
  return Json::object()
      .set("type", "ByteLevel")
      .set("add_prefix_space", add_prefix_space)
      .set("trim_offsets", true)
      .set("use_regex", true);
}

Json added_tokens(const TokenizerParts& parts) {
  Json list = Json::array();
  for (const SpecialToken& token : parts.special_tokens) {
    list.push(Json::object()
                  .set("id", token.id)
                  .set("content", token.content)
                  .set("single_word", false)
                  .set("lstrip", false)
                  .set("rstrip", false)
                  .set("normalized", token.normalized)
                  .set("special", token.special));
  }
  return list;
}

// What stands for each id in the file: special tokens as they are, others spelled in the byte alphabet.
std::vector<std::string> spellings(const TokenizerParts& parts) {
  std::vector<std::string> names;
  names.reserve(parts.tokens.size());
  for (const std::string& bytes : parts.tokens) names.push_back(spell_bytes(bytes));
  for (const SpecialToken& token : parts.special_tokens) names[token.id] = token.content;
  return names;
}

Json bpe_model(const TokenizerParts& parts) {
  const std::vector<std::string> names = spellings(parts);
  Json vocabulary = Json::object();
  for (std::size_t id = 0; id < names.size(); ++id) {
    if (!names[id].empty()) vocabulary.members().push_back({names[id], Json(id)});
  }
  Json merges = Json::array();
  for (const Merge& merge : parts.merges) merges.push(Json::array({names[merge.left], names[merge.right]}));
  return Json::object()
      .set("type", "BPE")
      .set("dropout", nullptr)
      .set("unk_token", nullptr)
      .set("continuing_subword_prefix", nullptr)
      .set("end_of_word_suffix", nullptr)
      .set("fuse_unk", false)
      .set("byte_fallback", false)
      .set("ignore_merges", false)
      .set("vocab", std::move(vocabulary))
      .set("merges", std::move(merges));
}

}  // namespace

std::string tokenizer_json(const Tokenizer& tokenizer) {
  return Json::object()
      .set("version", "1.0")
      .set("truncation", nullptr)
      .set("padding", nullptr)
      .set("added_tokens", added_tokens(tokenizer.parts()))
      .set("normalizer", nullptr)
      .set("pre_tokenizer", byte_level(false))
      .set("post_processor", nullptr)
      .set("decoder", byte_level(true))
      .set("model", bpe_model(tokenizer.parts()))
      .dump_pretty();
}

void save_tokenizer(const Tokenizer& tokenizer, const std::string& path) {
  base::write_file(path, tokenizer_json(tokenizer));
}

}  // namespace strata::text
