#include "strata/data/corpus/corpus.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <set>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/data/corpus/documents.h"
#include "strata/data/corpus/manifest.h"
#include "strata/data/corpus/near_duplicates.h"
#include "strata/data/corpus/recipe.h"
#include "strata/data/corpus/run_program.h"
#include "strata/data/corpus/tar_reader.h"

namespace strata::data {
namespace {

const std::string kSentence =
    "The quick server reads the list of files that the user has named and then writes each of them to the disk in the "
    "order in which they were given, so that a later run of it can go on where the last one of them was stopped.";

/// Short enough to be no near-duplicate of another; different for each number below 5005.
std::string varied(int number) {
  return fmt::format("In case {} the {} is read before the {} and what is left is put in the {}.",
                     std::string(number % 7 + 1, 'x'), std::string(number % 11 + 1, 'y'),
                     std::string(number % 13 + 1, 'z'), std::string(number % 5 + 1, 'w'));
}

TEST(NearDuplicates, FindsTheSameButForCaseDigitsAndMarks) {
  NearDuplicates said;
  EXPECT_FALSE(said.seen("Version 12 of the Library, for Debian."));
  EXPECT_TRUE(said.seen("version 37 of the library for debian"));
  EXPECT_FALSE(said.seen("Version twelve of the library for Debian."));
}

TEST(NearDuplicates, FindsAParagraphWithAWordChangedAndKeepsOthers) {
  NearDuplicates said;
  EXPECT_FALSE(said.seen(kSentence));
  std::string changed = kSentence;
  changed.replace(changed.find("quick"), 5, "rapid");
  EXPECT_TRUE(said.seen(changed));
  EXPECT_FALSE(
      said.seen("A language model learns from the text that it is given what word is likely to come next, and is "
                "judged by how many bits it would need for each byte of a text that it has never seen before."));
}

TEST(Documents, HoldOutExactlySoManyBytesAndNothingTwice) {
  DocumentSet documents;
  for (int i = 0; i < 900; ++i) documents.add({varied(i), "no prose", varied(i + 2000)});
  const uint64_t bytes = documents.bytes();
  ASSERT_GT(documents.size(), 200u);
  const SplitText split = std::move(documents).split(5000);
  EXPECT_EQ(split.held_out.size(), 5000u);
  EXPECT_LT(bytes - split.train.size() - 5000, 300u);  // the rest of the last one
  EXPECT_EQ(split.held_out.find("no prose"), std::string::npos);
  std::string_view rest = split.train;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    EXPECT_TRUE(end == 0 || split.held_out.find(rest.substr(0, end)) == std::string::npos);
    rest.remove_prefix(end + 1);
  }
}

TEST(Documents, WhereADocumentGoesDependsOnItAlone) {
  DocumentSet forward, backward;
  for (int i = 0; i < 900; ++i) forward.add({varied(i), varied(i + 2000)});
  for (int i = 899; i >= 0; --i) backward.add({varied(i), varied(i + 2000)});
  EXPECT_EQ(std::move(forward).split(4000).held_out, std::move(backward).split(4000).held_out);
}

TEST(Documents, TooLittleTextIsRefused) {
  DocumentSet documents;
  documents.add({kSentence});
  EXPECT_THROW(std::move(documents).split(1000), base::Error);
}

/// One entry of a tar archive.
std::string entry(const std::string& name, const std::string& content, char kind = '0') {
  std::string header(512, '\0');
  std::memcpy(header.data(), name.data(), std::min<size_t>(name.size(), 100));
  std::memcpy(&header[124], fmt::format("{:011o}", content.size()).data(), 11);
  header[156] = kind;
  std::memset(&header[148], ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::memcpy(&header[148], fmt::format("{:06o}", sum).data(), 6);
  header[154] = '\0';
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

std::string listing(std::string archive, size_t piece = 700) {
  std::string found;
  size_t at = 0;
  const ByteSource source = [&](char* data, size_t size) {
    const size_t got = std::min({size, piece, archive.size() - at});
    std::memcpy(data, archive.data() + at, got);
    at += got;
    return got;
  };
  read_tar(source, "x.tar",
           {.wanted = [](std::string_view name) { return name.ends_with(".txt"); },
            .content = [&](const std::string& name,
                           const std::string& bytes) { found += fmt::format("{}:{} ", name, bytes); }});
  return found;
}

TEST(TarReader, ReadsTheWantedFilesFromPiecesOfAnySize) {
  const std::string long_name = std::string(150, 'n') + ".txt";
  const std::string archive = entry("a.txt", "one") + entry("b.bin", std::string(2000, 'x')) + entry("d/", "", '5') +
                              entry("././@LongLink", long_name + '\0', 'L') + entry("cut", "two") + entry("e.txt", "") +
                              std::string(1024, '\0');
  for (const size_t piece : {1, 511, 512, 513, 100000})
    EXPECT_EQ(listing(archive, piece), "a.txt:one " + long_name + ":two e.txt: ");
}

TEST(TarReader, DamagedArchivesAreRefused) {
  const std::string archive = entry("a.txt", "one");
  for (const size_t size : {1, 100, 511, 512, 514, 1000})
    EXPECT_THROW(listing(archive.substr(0, size)), base::Error) << size;
  std::string wrong = archive;
  wrong[0] = 'b';
  EXPECT_THROW(listing(wrong), base::Error);
  EXPECT_THROW(listing(entry("././@LongLink", std::string(5000, 'n'), 'L')), base::Error);
}

TEST(RunProgram, GivesOutputComplaintsAndExitCode) {
  const ProgramRun run = run_program({"sh", "-c", "echo out; echo err >&2; pwd; exit 3"}, {.folder = "/"});
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_EQ(run.out, "out\n/\n");
  EXPECT_EQ(run.err, "err\n");
  EXPECT_THROW(run_program({"no-such-program-anywhere"}), base::Error);
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"}).exit_code, 137);
}

TEST(RunProgram, AnExceptionOfTheReaderIsThrownOnAfterTheProgramEnded) {
  EXPECT_THROW(run_program({"yes"}, {.read_out = [](const ByteSource&) { throw std::runtime_error("enough"); }}),
               std::runtime_error);
}

/// Puts a script in the place of apt-get for a scope.
class FakeApt {
 public:
  FakeApt(const base::TempFolder& folder, const std::string& script) : before_(std::getenv("PATH")) {
    base::write_file(folder / "apt-get", "#!/bin/sh\n" + script);
    chmod((folder / "apt-get").c_str(), 0755);
    setenv("PATH", (folder.path() + ":" + before_).c_str(), 1);
  }
  ~FakeApt() { setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

std::string refusal(const std::string& cache) {
  try {
    debian_corpus({.cache = cache});
  } catch (const base::Error& error) {
    EXPECT_EQ(error.kind(), base::ErrorKind::Environment);
    return error.text();
  }
  return "accepted";
}

TEST(Corpus, OfflineItSaysWhatCannotBeFetched) {
  const base::TempFolder folder("corpus");
  const FakeApt apt(folder,
                    "echo 'E: Failed to fetch http://mirror/InRelease  Could not resolve mirror' >&2; exit 100\n");
  const std::string text = refusal(folder / "cache");
  EXPECT_NE(text.find("E0650"), std::string::npos) << text;
  EXPECT_NE(text.find("Could not resolve mirror"), std::string::npos) << text;
}

TEST(Corpus, ADiskWithoutRoomIsRefusedBeforeAptIsStarted) {
  const base::TempFolder folder("corpus");
  const FakeApt apt(folder, "touch '" + (folder / "started") + "'; exit 100\n");
  try {
    debian_corpus({.cache = folder / "cache", .least_room_bytes = uint64_t{1} << 60});
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0002");
    EXPECT_NE(error.message().find("no space left on device"), std::string::npos) << error.text();
  }
  EXPECT_FALSE(base::is_file(folder / "started"));
}

TEST(Corpus, AMissingPackageIsNamed) {
  const base::TempFolder folder("corpus");
  const FakeApt apt(folder,
                    "case \"$*\" in\n*update*) touch \"$(dirname \"$2\")/lists/x_i18n_Translation-en\" ;;\n"
                    "*) echo 'E: Unable to locate package perl-doc' >&2; exit 100 ;;\nesac\n");
  EXPECT_NE(refusal(folder / "cache").find("Unable to locate package perl-doc"), std::string::npos);
}

TEST(Corpus, ACachedOneNeedsNoNetworkAndADamagedOneIsNoticed) {
  const base::TempFolder folder("corpus");
  const FakeApt apt(folder, "exit 100\n");
  const std::string cache = folder / "cache";
  base::make_folders(cache + "/corpus");
  Corpus corpus{.train_path = cache + "/corpus/train.txt",
                .held_out_path = cache + "/corpus/held_out.txt",
                .train_bytes = 5,
                .held_out_bytes = 3,
                .train_sha256 = base::sha256_hex("train"),
                .held_out_sha256 = base::sha256_hex("out"),
                .packages = {{"perl-doc", "5"}}};
  base::write_file(corpus.train_path, "train");
  base::write_file(corpus.held_out_path, "out");
  write_manifest(cache + "/corpus", corpus);
  EXPECT_EQ(debian_corpus({.cache = cache}).packages.at(0).version, "5");
  base::write_file(corpus.train_path, "trbin");
  EXPECT_NE(refusal(cache).find("E0650"), std::string::npos);  // builds anew, and is offline
  base::write_file(cache + "/corpus/manifest.json", "{\"recipe\": [");
  EXPECT_FALSE(read_manifest(cache + "/corpus"));
}

TEST(Corpus, TheRecipeNamesEachPackageOnce) {
  std::set<std::string_view> names;
  for (const ManualSource& source : manual_sources())
    EXPECT_TRUE(names.insert(source.package).second) << source.package;
}

}  // namespace
}  // namespace strata::data
