#include "strata/data/corpus/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/mapped_file.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/environment/cache_folder.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/terminal/format.h"
#include "strata/base/terminal/progress.h"
#include "strata/base/threads/background_queue.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/data/corpus/debian_archive.h"
#include "strata/data/corpus/description_text.h"
#include "strata/data/corpus/documents.h"
#include "strata/data/corpus/html_text.h"
#include "strata/data/corpus/manifest.h"
#include "strata/data/corpus/recipe.h"
#include "strata/data/corpus/roff_text.h"
#include "strata/data/corpus/tar_reader.h"
#include "strata/data/gzip/gunzip.h"

namespace strata::data {
namespace {

using Paragraphs = std::vector<std::string>;

/// The documents of one source, in an order that depends on its files alone.
struct SourceText {
  std::string name;
  std::vector<Paragraphs> documents;
};

std::string_view without_dot(std::string_view name) { return name.starts_with("./") ? name.substr(2) : name; }

Paragraphs paragraphs_of(const ManualSource& source, const std::string& name, const std::string& bytes) {
  if (source.format == TextFormat::Html) return html_paragraphs(bytes);
  const auto raw = std::as_bytes(std::span(bytes));
  if (!is_gzip(raw)) return roff_paragraphs(bytes);
  return roff_paragraphs(gunzip(raw, kMaxTarFileBytes, name).value());
}

SourceText read_manual(const ManualSource& source, const DebianPackage& package) {
  std::vector<std::pair<std::string, Paragraphs>> by_name;
  read_deb(package.path, {.wanted =
                              [&](std::string_view name) {
                                const std::string_view path = without_dot(name);
                                return path.starts_with(source.folder) && path.ends_with(source.suffix) &&
                                       (source.without.empty() || path.find(source.without) == std::string_view::npos);
                              },
                          .content =
                              [&](const std::string& name, const std::string& bytes) {
                                by_name.emplace_back(name, paragraphs_of(source, name, bytes));
                              }});
  std::sort(by_name.begin(), by_name.end());
  SourceText text{.name = std::string(source.package)};
  for (auto& [name, paragraphs] : by_name) text.documents.push_back(std::move(paragraphs));
  return text;
}

SourceText read_descriptions(const std::string& list) {
  const auto file = base::MappedFile::open(list).value();
  const auto bytes = file.bytes();
  return {.name = "descriptions",
          .documents = description_documents({reinterpret_cast<const char*>(bytes.data()), bytes.size()})};
}

std::vector<std::string> package_names() {
  std::vector<std::string> names;
  for (const ManualSource& source : manual_sources()) names.emplace_back(source.package);
  return names;
}

/// What the text depends on: packages by version, lists of descriptions by their hash.
std::vector<CorpusPackage> ingredients(const std::vector<DebianPackage>& packages,
                                       const std::vector<std::string>& lists) {
  std::vector<CorpusPackage> all;
  for (const DebianPackage& package : packages) all.push_back({package.name, package.version});
  for (const std::string& list : lists)
    all.push_back({list.substr(list.rfind('/') + 1), "sha256:" + base::sha256_file(list).value()});
  return all;
}

DocumentSet read_sources(const std::vector<DebianPackage>& packages, const std::vector<std::string>& lists,
                         base::ProgressBar& bar) {
  const auto manuals = manual_sources();
  const int count = manuals.size() + lists.size();
  const auto make = [&](int64_t i) -> std::optional<SourceText> {
    if (i >= count) return std::nullopt;
    const size_t at = i;
    return at < manuals.size() ? read_manual(manuals[at], packages[at]) : read_descriptions(lists[at - manuals.size()]);
  };
  // Sources are unpacked side by side; what is a duplicate is decided here, in their order.
  base::BackgroundQueue<SourceText> sources({.workers = base::available_cpus(), .depth = count}, make);
  DocumentSet documents;
  size_t done = 0;
  while (const auto source = sources.next()) {
    for (const Paragraphs& paragraphs : source->documents) documents.add(paragraphs);
    bar.show("text", base::bytes_text(documents.bytes()));
    bar.show("from", source->name);
    if (++done <= manuals.size() || done == manuals.size() + lists.size()) bar.advance();  // the lists are one part
  }
  return documents;
}

Corpus write_corpus(const std::string& folder, const SplitText& split, std::vector<CorpusPackage> packages) {
  Corpus corpus{.train_path = folder + "/train.txt",
                .held_out_path = folder + "/held_out.txt",
                .train_bytes = split.train.size(),
                .held_out_bytes = split.held_out.size(),
                .train_documents = split.train_documents,
                .held_out_documents = split.held_out_documents,
                .train_sha256 = base::sha256_hex(split.train),
                .held_out_sha256 = base::sha256_hex(split.held_out),
                .packages = std::move(packages)};
  base::write_file(corpus.train_path, split.train);
  base::write_file(corpus.held_out_path, split.held_out);
  write_manifest(folder, corpus);
  return corpus;
}

/// Before anything is downloaded: apt's http method waits for ever when the disk is full.
void require_room(const std::string& folder, uint64_t least_bytes) {
  std::error_code unknown;
  const std::filesystem::space_info room = std::filesystem::space(folder, unknown);
  if (unknown || room.available >= least_bytes) return;
  throw base::Error(base::code::kUnwritableFile,
                    fmt::format("cannot write {}: no space left on device for the corpus: expected {} bytes, "
                                "found {}",
                                folder, least_bytes, room.available))
      .hint("make room, or name a cache on another disk with STRATA_CACHE or data.path");
}

bool same(const std::vector<CorpusPackage>& a, const std::vector<CorpusPackage>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const CorpusPackage& x, const CorpusPackage& y) {
    return x.name == y.name && x.version == y.version;
  });
}

}  // namespace

std::string cache_folder() {
  if (const std::string chosen = base::cache_folder(); !chosen.empty()) return chosen;
  if (const std::string usual = base::default_cache_folder(); !usual.empty()) return usual;
  throw base::Error(base::code::kCorpusFailed,
                    "corpus: no folder for the cache: none of STRATA_CACHE, XDG_CACHE_HOME and HOME is set");
}

Corpus debian_corpus(const CorpusOptions& options) {
  const std::string folder = (options.cache.empty() ? cache_folder() : options.cache) + "/corpus";
  std::optional<Corpus> cached = read_manifest(folder);
  if (cached && !options.refresh) return *cached;
  base::make_folders(folder);
  require_room(folder, options.least_room_bytes);
  base::ProgressBar bar({.label = "corpus", .total = std::ssize(manual_sources()) + 3, .unit = "parts"});
  DebianArchive archive(folder + "/apt");
  bar.show("from", "package lists");
  archive.update();
  bar.advance();
  const std::vector<DebianPackage> packages = archive.plan(package_names());
  const std::vector<std::string> lists = archive.description_lists();
  std::vector<CorpusPackage> made_of = ingredients(packages, lists);
  if (cached && same(cached->packages, made_of)) {
    bar.finish();
    return *cached;
  }
  bar.show("from", "manuals");
  archive.fetch(packages);
  bar.advance();
  SplitText split = read_sources(packages, lists, bar).split(kHeldOutBytes);
  Corpus corpus = write_corpus(folder, split, std::move(made_of));
  bar.finish();
  return corpus;
}

}  // namespace strata::data
