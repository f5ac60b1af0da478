#include "strata/data/corpus/debian_archive.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/error/codes/data_codes.h"
#include "strata/base/error/error.h"
#include "strata/data/corpus/run_program.h"

namespace strata::data {
namespace {

using base::Error;

constexpr std::string_view kDescriptionSuffix = "_i18n_Translation-en";

/// #clear, because lists of options add up: slim images turn translations off, and packed indices on.
std::string configuration(const std::string& folder) {
  return fmt::format(
      "#clear Acquire::Languages;\n"
      "Acquire::Languages {{ \"en\"; }};\n"
      "Acquire::GzipIndexes \"false\";\n"
      "Acquire::Retries \"2\";\n"
      "Acquire::http::Timeout \"20\";\n"
      "#clear APT::Update::Pre-Invoke;\n"
      "#clear APT::Update::Post-Invoke;\n"
      "#clear APT::Update::Post-Invoke-Success;\n"
      "APT::Sandbox::User \"\";\n"
      "Dir::State::lists \"{0}/lists\";\n"
      "Dir::Cache \"{0}\";\n"
      "Dir::Cache::archives \"{0}/archives\";\n",
      folder);
}

/// The lines of apt's complaints that say what is wrong.
std::string complaint(const ProgramRun& run) {
  std::string text;
  std::string_view rest = run.err;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.starts_with("E: ") || line.starts_with("Err:"))
      text += (text.empty() ? "" : "; ") + std::string(line.substr(line.find(' ') + 1));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text.empty() ? fmt::format("exit code {}", run.exit_code) : text.substr(0, 1000);
}

[[noreturn]] void fail_download(const std::vector<std::string>& names, const ProgramRun& run) {
  throw Error(base::code::kMissingPackage,
              fmt::format("corpus: apt can't download {}: {}", fmt::join(names, " "), complaint(run)))
      .hint("is the machine online, and do its package sources have these packages (Debian 12, main)?");
}

/// "git-doc_1%3a2.39.5-0+deb12u3_all.deb" -> "1:2.39.5-0+deb12u3".
std::string version_of(std::string_view file) {
  const size_t first = file.find('_'), last = file.rfind('_');
  std::string version(first < last ? file.substr(first + 1, last - first - 1) : "");
  if (const size_t colon = version.find("%3a"); colon != std::string::npos) version.replace(colon, 3, ":");
  return version;
}

}  // namespace

DebianArchive::DebianArchive(std::string folder) : folder_(std::move(folder)) {
  base::make_folders(folder_ + "/lists/partial");
  base::make_folders(folder_ + "/archives/partial");
  base::write_file(folder_ + "/apt.conf", configuration(folder_));
}

std::vector<std::string> DebianArchive::apt(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"apt-get", "-c", folder_ + "/apt.conf", "-q"});
  return arguments;
}

void DebianArchive::update() {
  const ProgramRun run = run_program(apt({"update"}));
  const auto lists = base::list_folder(folder_ + "/lists");
  const bool have_lists = lists && std::any_of(lists->begin(), lists->end(), [](const std::string& name) {
                            return name.ends_with(kDescriptionSuffix);
                          });
  if (have_lists) return;
  throw Error(base::code::kMissingPackage,
              fmt::format("corpus: apt can't fetch the package lists with English descriptions "
                          "(Translation-en): {}",
                          complaint(run)))
      .hint(
          "the corpus is downloaded once, about 90 MB: is the machine online, and does /etc/apt name a Debian mirror?");
}

std::vector<std::string> DebianArchive::description_lists() const {
  std::vector<std::string> paths;
  for (const std::string& name : base::list_folder(folder_ + "/lists").value())
    if (name.ends_with(kDescriptionSuffix)) paths.push_back(folder_ + "/lists/" + name);
  if (paths.empty())
    throw Error(base::code::kMissingPackage, "corpus: no list of English descriptions (Translation-en)");
  return paths;
}

std::vector<DebianPackage> DebianArchive::plan(const std::vector<std::string>& names) const {
  std::vector<std::string> arguments = {"-q", "download", "--print-uris"};
  arguments.insert(arguments.end(), names.begin(), names.end());
  // From a folder without archives, since files that are there aren't listed.
  const ProgramRun run = run_program(apt(arguments), {.folder = folder_ + "/lists/partial"});
  if (run.exit_code != 0) fail_download(names, run);
  std::vector<DebianPackage> packages;
  for (const std::string& name : names) {
    // 'http://...' git-doc_1%3a2.39.5_all.deb 2153500 SHA256:3c89...
    const size_t at = run.out.find("' " + name + "_");
    const std::string_view line =
        at == std::string::npos ? "" : std::string_view(run.out).substr(at + 2, run.out.find('\n', at) - at - 2);
    const std::string file(line.substr(0, line.find(' ')));
    const size_t hash = line.find("SHA256:");
    if (!file.ends_with(".deb") || hash == std::string_view::npos)
      throw Error(base::code::kMissingPackage,
                  fmt::format("corpus: apt doesn't say where package {} is: '{}'", name, line.substr(0, 200)));
    packages.push_back({name, version_of(file), folder_ + "/archives/" + file, std::string(line.substr(hash + 7))});
  }
  return packages;
}

void DebianArchive::fetch(const std::vector<DebianPackage>& packages) const {
  const auto is_there = [](const DebianPackage& package) {
    const auto hash = base::sha256_file(package.path);
    return hash && *hash == package.sha256;
  };
  std::vector<std::string> missing;
  for (const DebianPackage& package : packages)
    if (!is_there(package)) {
      std::filesystem::remove(package.path);  // a damaged one would be kept
      missing.push_back(package.name);
    }
  if (missing.empty()) return;
  std::vector<std::string> arguments = {"download"};
  arguments.insert(arguments.end(), missing.begin(), missing.end());
  const ProgramRun run = run_program(apt(arguments), {.folder = folder_ + "/archives"});
  if (run.exit_code != 0) fail_download(missing, run);
  for (const DebianPackage& package : packages)
    if (!base::is_file(package.path))
      throw Error(base::code::kMissingPackage, fmt::format("corpus: apt left no file {}", package.path));
}

void read_deb(const std::string& path, const TarVisitor& visitor) {
  const ProgramRun run = run_program({"dpkg-deb", "--fsys-tarfile", path},
                                     {.read_out = [&](const ByteSource& out) { read_tar(out, path, visitor); }});
  if (run.exit_code != 0)
    throw Error(base::code::kCorpusFailed,
                fmt::format("corpus: dpkg-deb can't unpack {}: {}", path, run.err.substr(0, 500)));
}

}  // namespace strata::data
