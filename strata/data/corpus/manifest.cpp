#include "strata/data/corpus/manifest.h"

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/error/error.h"
#include "strata/data/corpus/recipe.h"

namespace strata::data {
namespace {

using base::Json;

Json describe(uint64_t bytes, uint64_t documents, const std::string& sha256) {
  Json json = Json::object();
  json.set("bytes", bytes).set("documents", documents).set("sha256", sha256);
  return json;
}

bool intact(const std::string& path, uint64_t bytes, const std::string& sha256) {
  const auto size = base::file_bytes(path);
  if (!size || *size != bytes) return false;
  const auto hash = base::sha256_file(path);
  return hash && *hash == sha256;
}

Corpus from_json(const Json& json, const std::string& folder) {
  const Json &train = json.at("train"), &held_out = json.at("held_out");
  Corpus corpus{.train_path = folder + "/train.txt",
                .held_out_path = folder + "/held_out.txt",
                .train_bytes = static_cast<uint64_t>(train.at("bytes").as_int()),
                .held_out_bytes = static_cast<uint64_t>(held_out.at("bytes").as_int()),
                .train_documents = static_cast<uint64_t>(train.at("documents").as_int()),
                .held_out_documents = static_cast<uint64_t>(held_out.at("documents").as_int()),
                .train_sha256 = train.at("sha256").as_string(),
                .held_out_sha256 = held_out.at("sha256").as_string()};
  for (const base::JsonMember& package : json.at("packages").members())
    corpus.packages.push_back({package.key, package.value.as_string()});
  return corpus;
}

}  // namespace

void write_manifest(const std::string& folder, const Corpus& corpus) {
  Json packages = Json::object();
  for (const CorpusPackage& package : corpus.packages) packages.set(package.name, package.version);
  Json json = Json::object();
  json.set("recipe", kRecipeVersion);
  json.set("train", describe(corpus.train_bytes, corpus.train_documents, corpus.train_sha256));
  json.set("held_out", describe(corpus.held_out_bytes, corpus.held_out_documents, corpus.held_out_sha256));
  json.set("packages", std::move(packages));
  base::write_file(folder + "/manifest.json", json.dump_pretty() + "\n");
}

std::optional<Corpus> read_manifest(const std::string& folder) {
  const auto json = base::read_json(folder + "/manifest.json");
  if (!json) return std::nullopt;
  try {
    if (json->at("recipe").as_int() != kRecipeVersion) return std::nullopt;
    Corpus corpus = from_json(*json, folder);
    if (!intact(corpus.train_path, corpus.train_bytes, corpus.train_sha256) ||
        !intact(corpus.held_out_path, corpus.held_out_bytes, corpus.held_out_sha256))
      return std::nullopt;
    return corpus;
  } catch (const base::Error&) {
    return std::nullopt;  // not what we write: build anew
  }
}

}  // namespace strata::data
