#include "strata/data/idx/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/data/gzip/gunzip.h"
#include "strata/data/idx/fashion_mnist.h"

namespace strata::data {
namespace {

using base::ByteWriter;
using ir::DType;

std::string gzip(const std::string& text) {
  std::string packed(text.size() + 1000, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

base::Result<ir::HostArray> parse(const std::string& text) {
  return parse_idx(std::as_bytes(std::span(text)), "x.idx");
}

/// Images u8 [count, 28, 28] or labels u8 [count].
std::string images(uint32_t count) {
  return ByteWriter()
      .big<uint32_t>(0x803)
      .big(count)
      .big<uint32_t>(28)
      .big<uint32_t>(28)
      .text(std::string(count * 784, '\5'))
      .str();
}
std::string labels(uint32_t count) {
  return ByteWriter().big<uint32_t>(0x801).big(count).text(std::string(count, '\3')).str();
}

TEST(Idx, ReadsEveryElementTypeInItsByteOrder) {
  const auto bytes =
      parse(ByteWriter().big<uint32_t>(0x802).big<uint32_t>(2).big<uint32_t>(3).text("\1\2\3\4\5\xFF").str()).value();
  EXPECT_EQ(bytes.shape(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(bytes.get_int(5), 255);
  const auto shorts =
      parse(ByteWriter().big<uint32_t>(0xB01).big<uint32_t>(2).big<int16_t>(-2).big<int16_t>(300).str()).value();
  EXPECT_EQ(shorts.dtype(), DType::i16);
  EXPECT_EQ(shorts.get_int(0), -2);
  EXPECT_EQ(shorts.get_int(1), 300);
  EXPECT_EQ(parse(ByteWriter().big<uint32_t>(0xC01).big<uint32_t>(1).big<int32_t>(-70000).str()).value().get_int(0),
            -70000);
  EXPECT_EQ(parse(ByteWriter().big<uint32_t>(0xD01).big<uint32_t>(1).big(1.5f).str()).value().get(0), 1.5);
  EXPECT_EQ(parse(ByteWriter().big<uint32_t>(0xE01).big<uint32_t>(1).big(-0.1).str()).value().get(0), -0.1);
  EXPECT_EQ(parse(ByteWriter().big<uint32_t>(0x901).big<uint32_t>(0).str()).value().elements(), 0);
}

TEST(Idx, EveryTruncationIsRefused) {
  const std::string whole = images(2);
  for (size_t size : {0, 1, 3, 4, 7, 15, 16, 17, 1000, static_cast<int>(whole.size()) - 1})
    EXPECT_FALSE(parse(whole.substr(0, size)).ok()) << size;
  EXPECT_EQ(parse(whole.substr(0, 100)).error().message(),
            "x.idx: elements: expected 1568 bytes, found 84 up to the end");
  EXPECT_EQ(parse(whole + "x").error().code(), "E0633");
}

TEST(Idx, HostileHeadersAreRefused) {
  EXPECT_EQ(parse("PNG!").error().message(),
            "x.idx: magic number: expected 0x0000TTRR with type TT of 08 09 0B 0C 0D 0E, found 0x504E4721");
  EXPECT_EQ(parse(ByteWriter().big<uint32_t>(0xA01).big<uint32_t>(0).str()).error().code(), "E0633");
  EXPECT_EQ(parse(ByteWriter().big<uint32_t>(0x800).text("x").str()).error().message(),
            "x.idx: rank: expected 1 to 8, found 0");
  for (const uint32_t last : {0xFFFFFFFFu, 0u}) {  // beside a 0 too
    ByteWriter huge;
    huge.big<uint32_t>(0xE05);
    for (int i = 0; i < 4; ++i) huge.big<uint32_t>(0xFFFFFFFF);
    const auto refused = parse(huge.big(last).str());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message().substr(0, 51), "x.idx: elements: expected at most 2147483648 bytes,");
  }
}

TEST(Idx, ReadsCompressedFilesAndRefusesDamagedOnes) {
  const base::TempFolder folder("idx");
  const std::string packed = gzip(images(3));
  base::write_file(folder / "a.gz", packed);
  EXPECT_EQ(read_idx(folder / "a.gz").value().shape(), (std::vector<int64_t>{3, 28, 28}));
  base::write_file(folder / "b.gz", packed.substr(0, packed.size() - 5));
  EXPECT_EQ(read_idx(folder / "b.gz").error().code(), "E0638");
  std::string damaged = packed;
  damaged[damaged.size() - 6] ^= 1;  // the checksum
  base::write_file(folder / "c.gz", damaged);
  EXPECT_EQ(read_idx(folder / "c.gz").error().code(), "E0638");
  EXPECT_EQ(read_idx(folder / "none").error().code(), "E0001");
}

TEST(Gunzip, RefusesToUnpackMoreThanAllowed) {
  const std::string packed = gzip(std::string(1'000'000, 'x'));
  const auto bytes = std::as_bytes(std::span(packed));
  EXPECT_EQ(gunzip(bytes, 1'000'000, "x").value().size(), 1'000'000u);
  EXPECT_EQ(gunzip(bytes, 999'999, "x").error().code(), "E0638");
}

TEST(Gunzip, JoinsMembersAndTakesEmptyOnes) {
  const std::string packed = gzip("one ") + gzip("") + gzip("two");
  EXPECT_EQ(gunzip(std::as_bytes(std::span(packed)), 100, "x").value(), "one two");
  const std::string whole = gzip("text");
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(gunzip(std::as_bytes(std::span(whole)).first(size), 100, "x").ok()) << size;
}

TEST(FashionMnist, AMissingFileNamesThePackage) {
  const base::TempFolder folder("mnist");
  try {
    fashion_mnist(folder.path());
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0634");
    EXPECT_EQ(error.kind(), base::ErrorKind::Environment);
    EXPECT_NE(error.text().find("dataset-fashion-mnist"), std::string::npos);
  }
}

TEST(FashionMnist, ImagesAndLabelsOfDifferentNumberAreRefused) {
  const base::TempFolder folder("mnist");
  base::write_file(folder / "train-images-idx3-ubyte", images(3));
  base::write_file(folder / "train-labels-idx1-ubyte.gz", gzip(labels(2)));
  try {
    fashion_mnist(folder.path());
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0635");
  }
}

TEST(Idx, AFileThatUnpacksToMoreThanItsHeaderAsksForIsRefusedEarly) {
  const base::TempFolder folder("idx");
  base::write_file(folder / "bomb", gzip(labels(100) + std::string(50 << 20, '\0')));
  EXPECT_NE(read_idx(folder / "bomb").error().message().find(": more than the expected 108 bytes unpacked"),
            std::string::npos);
  base::write_file(folder / "junk", gzip(labels(100)) + "junk");
  EXPECT_NE(read_idx(folder / "junk").error().message().find("4 bytes of something else follow"), std::string::npos);
}

TEST(FashionMnist, AnEmptyTestSetIsRefusedBeforeAnyTraining) {
  const base::TempFolder folder("mnist");
  for (const auto& [prefix, count] : {std::pair("train", 3u), std::pair("t10k", 0u)}) {
    base::write_file(folder / (std::string(prefix) + "-images-idx3-ubyte"), images(count));
    base::write_file(folder / (std::string(prefix) + "-labels-idx1-ubyte"), labels(count));
  }
  try {
    fashion_mnist(folder.path());
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0635");
    EXPECT_NE(error.message().find("/t10k: expected images, found none"), std::string::npos) << error.text();
  }
}

TEST(FashionMnist, ALabelOutsideTheClassesIsRefusedWithItsFileAndImage) {
  const base::TempFolder folder("mnist");
  std::string wrong = labels(3);
  wrong.back() = 77;
  base::write_file(folder / "train-images-idx3-ubyte", images(3));
  base::write_file(folder / "train-labels-idx1-ubyte", wrong);
  try {
    fashion_mnist(folder.path());
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0635");
    EXPECT_NE(error.message().find("/train: the label of image 2 is 77, expected 0 to 9"), std::string::npos)
        << error.text();
  }
}

TEST(FashionMnist, TheInstalledFilesHoldTenClassesOf7000) {
  FashionMnist data;
  try {
    data = fashion_mnist();
  } catch (const base::Error& error) {
    GTEST_SKIP() << error.text();
  }
  EXPECT_EQ(data.train.images.shape(), (std::vector<int64_t>{60000, 28, 28}));
  EXPECT_EQ(data.test.images.shape(), (std::vector<int64_t>{10000, 28, 28}));
  std::vector<int> counts(10);
  for (const uint8_t label : data.train.labels.as<uint8_t>()) ++counts.at(label);
  EXPECT_EQ(counts, std::vector<int>(10, 6000));
}

}  // namespace
}  // namespace strata::data
