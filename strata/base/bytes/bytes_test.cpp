#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/hash.h"
#include "strata/base/bytes/line_file.h"
#include "strata/base/bytes/mapped_file.h"
#include "strata/base/bytes/sha256.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/codes/internal_codes.h"

namespace strata::base {
namespace {

/// Lets the process write files of at most `bytes`: as if the disk were full beyond that.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

template <class F>
Error error_of(F&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return Error(code::kBug, "nothing was thrown");
}

TEST(Files, ReadsBackWhatWasWritten) {
  TempFolder folder("files");
  for (size_t size : {0, 1, 4095, 4096, 4097, 3000000}) {
    const std::string text(size, 'x');
    write_file(folder / "a", text);
    EXPECT_EQ(read_text(folder / "a").value(), text);
    EXPECT_EQ(read_bytes(folder / "a").value().size(), size);
    EXPECT_EQ(file_bytes(folder / "a").value(), size);
    EXPECT_EQ(MappedFile::open(folder / "a").value().bytes().size(), size);
  }
}

TEST(Files, ReadsFilesWithoutASize) { EXPECT_FALSE(read_text("/proc/self/status").value().empty()); }

TEST(Files, ADeviceWithoutAnEndIsRefused) {
  EXPECT_EQ(read_text("/dev/zero").error().message(),
            "cannot read /dev/zero: it has no size, and doesn't end within 67108864 bytes");
}

TEST(Files, MissingFilesAndFoldersAreE0001WithThePath) {
  for (const Error& error : {read_text("/no/such/file").error(), MappedFile::open("/no/such/file").error(),
                             file_bytes("/no/such/file").error(), list_folder("/no/such/file").error(),
                             sha256_file("/no/such/file").error()}) {
    EXPECT_EQ(error.code(), "E0001");
    EXPECT_NE(error.message().find("/no/such/file: no such file or directory"), std::string::npos) << error.message();
  }
  EXPECT_NE(read_text("/tmp").error().message().find("is a directory"), std::string::npos);
  EXPECT_NE(MappedFile::open("/tmp").error().message().find("is a directory"), std::string::npos);
}

TEST(Files, MakesFoldersAndListsThemSorted) {
  TempFolder folder("files");
  make_folders(folder / "a/b/c");
  make_folders(folder / "a/b/c");
  write_file(folder / "a/z", "");
  EXPECT_TRUE(is_folder(folder / "a/b/c"));
  EXPECT_FALSE(is_file(folder / "a/b/c"));
  EXPECT_EQ(list_folder(folder / "a").value(), (std::vector<std::string>{"b", "z"}));
  EXPECT_EQ(error_of([&] { make_folders(folder / "a/z/below_a_file"); }).code(), "E0002");
}

TEST(MappedFile, MovingKeepsTheAddress) {
  TempFolder folder("map");
  write_file(folder / "a", "abc");
  MappedFile first = MappedFile::open(folder / "a").value();
  const std::byte* address = first.bytes().data();
  MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().data(), address);
  EXPECT_TRUE(first.bytes().empty());
}

TEST(ByteReader, ReadsBothOrdersAsTheWriterWroteThem) {
  ByteWriter writer;
  writer.little<uint32_t>(0x01020304)
      .big<uint32_t>(0x01020304)
      .little(-2.5)
      .big(1.5f)
      .little<int8_t>(-7)
      .text("name")
      .pad_to(8);
  EXPECT_EQ(writer.str().substr(0, 8), std::string("\4\3\2\1\1\2\3\4"));
  ByteReader reader(writer.bytes(), "t");
  EXPECT_EQ(reader.little<uint32_t>("a").value(), 0x01020304u);
  EXPECT_EQ(reader.big<uint32_t>("b").value(), 0x01020304u);
  EXPECT_EQ(reader.little<double>("c").value(), -2.5);
  EXPECT_EQ(reader.big<float>("d").value(), 1.5f);
  EXPECT_EQ(reader.little<int8_t>("e").value(), -7);
  EXPECT_EQ(reader.text(4, "f").value(), "name");
  EXPECT_EQ(reader.remaining(), 7u);
  EXPECT_TRUE(reader.skip(7, "padding").ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, EveryShortageNamesSourceOffsetExpectedAndFoundAndDoesNotMove) {
  const std::string text = "abcdefg";
  ByteReader reader(std::as_bytes(std::span(text)), "x.bin", 100);
  ASSERT_TRUE(reader.skip(5, "head").ok());
  EXPECT_EQ(reader.little<uint32_t>("count").error().message(),
            "x.bin: count at byte 105: expected 4 bytes, found 2 before the end");
  EXPECT_FALSE(reader.take(UINT64_MAX, "huge").ok());
  EXPECT_FALSE(reader.skip(3, "s").ok());
  EXPECT_FALSE(reader.text(3, "s").ok());
  EXPECT_EQ(reader.seek(8, "table").error().message(),
            "x.bin: table at byte 105: expected a position of at most 107, found 108");
  EXPECT_EQ(reader.position(), 5u);
  EXPECT_EQ(reader.little<uint16_t>("rest").value(), 'f' + 256 * 'g');
}

TEST(ByteReader, MagicIsComparedAndShown) {
  const std::string text("\x89PNG", 4);
  ByteReader reader(std::as_bytes(std::span(text)), "x");
  EXPECT_EQ(reader.expect("GGUF", "magic").error().message(),
            "x: magic at byte 0: expected \"GGUF\", found 0x89504e47");
  EXPECT_FALSE(reader.expect("\x89PNGlonger", "magic").ok());
  EXPECT_TRUE(reader.expect(text, "magic").ok());
  EXPECT_EQ(reader.expect("a", "magic").error().message(), "x: magic at byte 4: expected \"a\", found the end");
}

TEST(AtomicFile, WithoutCommitTheOldFileStaysAndNoTemporaryRemains) {
  TempFolder folder("atomic");
  write_file(folder / "a", "old");
  {
    AtomicFile(folder / "a").write(std::string(5 << 20, 'n'));
  }
  EXPECT_EQ(read_text(folder / "a").value(), "old");
  EXPECT_EQ(list_folder(folder.path()).value().size(), 1u);
}

TEST(AtomicFile, FullDiskIsE0002AndTheOldFileSurvives) {
  TempFolder folder("atomic");
  write_file(folder / "a", "old");
  for (size_t size : {size_t{100000}, size_t{8} << 20}) {
    const Error error = error_of([&] {
      FileSizeLimit limit(65536);
      write_file(folder / "a", std::string(size, 'n'));
    });
    EXPECT_EQ(error.code(), "E0002");
    EXPECT_EQ(error.kind(), ErrorKind::Environment);
    EXPECT_EQ(error.message(), "cannot write " + (folder / "a") + ": file too large");
  }
  EXPECT_EQ(read_text(folder / "a").value(), "old");
  EXPECT_EQ(list_folder(folder.path()).value().size(), 1u);
}

TEST(AtomicFile, UnwritableFolderIsE0002WithThePath) {
  TempFolder folder("atomic");
  EXPECT_EQ(error_of([&] { write_file(folder / "none/a", "x"); }).message(),
            "cannot write " + (folder / "none/a") + ": no such file or directory");
  make_folders(folder / "is_folder/x");
  EXPECT_EQ(error_of([&] { write_file(folder / "is_folder", "x"); }).code(), "E0002");
  EXPECT_EQ(list_folder(folder.path()).value().size(), 1u);
}

TEST(AtomicFile, ASymbolicLinkStaysAndTheFileItLeadsToIsReplaced) {
  TempFolder folder("atomic");
  make_folders(folder / "far");
  write_file(folder / "far/real", "old");
  std::filesystem::create_symlink("far/link", folder / "a");
  std::filesystem::create_symlink("real", folder / "far/link");
  std::filesystem::create_symlink(folder / "far/new", folder / "dangling");
  write_file(folder / "a", "new");
  write_file(folder / "dangling", "made");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "a"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "far/link"));
  EXPECT_EQ(read_text(folder / "far/real").value(), "new");
  EXPECT_EQ(read_text(folder / "far/new").value(), "made");
  std::filesystem::create_symlink("circle", folder / "circle");
  EXPECT_EQ(error_of([&] { write_file(folder / "circle", "x"); }).code(), "E0002");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "circle"));
}

TEST(AtomicFile, WhatIsNoRegularFileIsWrittenToAndNotReplaced) {
  TempFolder folder("atomic");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const int reader = ::open((folder / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_file(folder / "pipe", "text");
  char text[8] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 4);
  ::close(reader);
  EXPECT_STREQ(text, "text");
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

TEST(AtomicFile, ALinkOfProcToAPipeIsWrittenTo) {  // as /dev/stdout is one
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  write_file("/proc/self/fd/" + std::to_string(ends[1]), "text");
  char text[8] = {};
  EXPECT_EQ(::read(ends[0], text, sizeof text), 4);
  ::close(ends[0]), ::close(ends[1]);
  EXPECT_STREQ(text, "text");
}

TEST(LineFile, AppendsWholeLinesAcrossReopening) {
  TempFolder folder("lines");
  {
    LineFile(folder / "l").append("one");
  }
  {
    LineFile(folder / "l").append("two");
  }
  EXPECT_EQ(read_text(folder / "l").value(), "one\ntwo\n");
}

TEST(LineFile, OpeningCutsOffATornLastLine) {
  TempFolder folder("lines");
  for (size_t torn : {1, 4095, 4096, 10000}) {
    write_file(folder / "l", "one\n" + std::string(torn, 't'));
    LineFile(folder / "l").append("two");
    EXPECT_EQ(read_text(folder / "l").value(), "one\ntwo\n");
  }
}

TEST(LineFile, FullDiskLeavesNoPartOfALine) {
  TempFolder folder("lines");
  LineFile file(folder / "l");
  file.append("one");
  {
    FileSizeLimit limit(10);
    EXPECT_EQ(error_of([&] { file.append("a line that does not fit"); }).code(), "E0002");
  }
  EXPECT_EQ(read_text(folder / "l").value(), "one\n");
}

TEST(TempFolder, IsRemovedWithItsContent) {
  std::string path;
  {
    TempFolder folder("gone");
    path = folder.path();
    make_folders(folder / "a/b");
  }
  EXPECT_FALSE(is_folder(path));
}

TEST(Hash, IsXxh3OfTheBytesAndOrderMatters) {
  EXPECT_EQ(hash_text("").hex(), "99aa06d3014798d86001c324468d497f");  // published value for the empty input
  const Hash128 a = hash_text("a"), b = hash_text("b");
  EXPECT_NE(combine(a, b), combine(b, a));
  EXPECT_NE(combine(a, uint64_t{1}), combine(a, uint64_t{2}));
  const std::vector<int32_t> values = {1, 2, 3};
  EXPECT_EQ(hash_span(std::span<const int32_t>(values)), hash_bytes(std::as_bytes(std::span(values))));
}

TEST(Sha256, MatchesTheStandardsVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  TempFolder folder("sha");
  const std::string million(1000000, 'a');
  write_file(folder / "m", million);
  EXPECT_EQ(sha256_file(folder / "m").value(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace strata::base
