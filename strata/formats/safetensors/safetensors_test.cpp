#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/formats/safetensors/writer.h"

namespace strata::formats {
namespace {

using ir::DType;
using ir::HostArray;

std::string file_text(std::string_view header, std::string_view data) {
  return base::ByteWriter().little<uint64_t>(header.size()).text(header).text(data).str();
}

base::Result<SafetensorsFile> parse(const std::string& text) {
  return SafetensorsFile::parse(std::as_bytes(std::span(text)), "x.safetensors");
}

/// The message of the refusal, or "accepted".
std::string refusal(std::string_view header, std::string_view data) {
  const std::string text = file_text(header, data);
  const auto file = parse(text);
  return file ? "accepted" : std::string(file.error().code()) + " " + file.error().message();
}

HostArray counting(DType dtype, std::vector<int64_t> shape) {
  HostArray array(dtype, std::move(shape));
  for (int64_t i = 0; i < array.elements(); ++i) array.set_int(i, dtype == DType::boolean ? i % 2 : i - 2);
  return array;
}

/// One tensor of every dtype, with odd, empty and scalar shapes among them.
std::vector<NamedArray> every_dtype() {
  std::vector<NamedArray> arrays;
  for (const DType dtype : ir::kAllDTypes)
    arrays.push_back({fmt::format("layer.{}", ir::dtype_name(dtype)), counting(dtype, {3, 5})});
  arrays.push_back({"empty", HostArray(DType::f32, {0, 7})});
  arrays.push_back({"scalar", HostArray::scalar(DType::f64, 0.1)});
  arrays.push_back({"na\xC3\xAFve \"name\"\n", counting(DType::u8, {1})});
  return arrays;
}

TEST(Safetensors, WhatIsWrittenReadsBackInEveryDType) {
  const base::TempFolder folder("safetensors");
  const std::string path = folder / "all.safetensors";
  const auto arrays = every_dtype();
  save_safetensors(path, arrays, {{"format", "pt"}, {"step", "12"}});
  const SafetensorsFile file = SafetensorsFile::open(path).value();
  EXPECT_EQ(file.entries().size(), arrays.size());
  EXPECT_EQ(file.metadata().at("step"), "12");
  for (const NamedArray& named : arrays) EXPECT_TRUE(file.array(named.name).same_bits(named.array)) << named.name;
}

TEST(Safetensors, DataBeginAtAMultipleOf8AndEachTensorAtOneOfItsElement) {
  const base::TempFolder folder("safetensors");
  for (int extra = 0; extra < 9; ++extra) {
    const std::string path = folder / fmt::format("{}", extra);
    save_safetensors(path, every_dtype(), {{"pad", std::string(extra, 'x')}});
    const std::string text = base::read_text(path).value();
    uint64_t header = 0;
    std::memcpy(&header, text.data(), 8);
    EXPECT_EQ(header % 8, 0u);
    const auto file = parse(text).value();
    for (const TensorEntry& entry : file.entries())
      EXPECT_EQ(entry.begin % ir::dtype_bytes(entry.dtype), 0u) << entry.name;
  }
}

TEST(Safetensors, TheSameTensorsInAnyOrderGiveTheSameBytes) {
  const base::TempFolder folder("safetensors");
  auto arrays = every_dtype();
  save_safetensors(folder / "a", arrays);
  std::reverse(arrays.begin(), arrays.end());
  save_safetensors(folder / "b", arrays);
  EXPECT_EQ(base::read_text(folder / "a").value(), base::read_text(folder / "b").value());
}

TEST(Safetensors, AFileThatTheOfficialLibraryWroteReads) {
  const SafetensorsFile file = SafetensorsFile::open("tests/golden/safetensors/official.safetensors").value();
  EXPECT_EQ(file.metadata().at("made_by"), "safetensors");
  const HostArray weight = file.array("linear.weight");
  ASSERT_EQ(weight.shape(), (std::vector<int64_t>{2, 3}));
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(weight.get(i), static_cast<double>(i) / 4 - 0.5);
  EXPECT_EQ(file.array("half").get(1), -2.0);
  EXPECT_EQ(file.array("ids").get_int(0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(file.array("mask").get_int(2), 1);
  EXPECT_EQ(file.array("empty").shape(), (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(file.array("scalar").rank(), 0);
  EXPECT_EQ(file.array("scalar").get_int(0), 200);
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const base::TempFolder folder("safetensors");
  save_safetensors(folder / "x", every_dtype());
  const std::string whole = base::read_text(folder / "x").value();
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse(whole.substr(0, size)).ok()) << size << " of " << whole.size();
  EXPECT_FALSE(parse(whole + "x").ok());
}

TEST(Safetensors, RefusalsNameTheTensorWhatWasExpectedAndWhatWasFound) {
  EXPECT_EQ(refusal(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "12345678"), "accepted");
  EXPECT_EQ(refusal(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})", "12345678"),
            "E0630 x.safetensors: tensor 'w': data_offsets: expected 0 <= begin <= end <= 8, the bytes of data in the "
            "file, found [0, 9]");
  EXPECT_EQ(refusal(R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "12345678"),
            "E0630 x.safetensors: tensor 'w': data_offsets: expected 12 bytes for F32 of shape [3], found 8 bytes");
  EXPECT_EQ(refusal(R"({"w":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", "12345678"),
            "E0630 x.safetensors: tensor 'w': dtype: expected one of F64 F32 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64 "
            "BOOL, found \"F8_E4M3\"");
  EXPECT_EQ(refusal(R"({"w":{"dtype":"F32","shape":[2]}})", ""),
            "E0630 x.safetensors: tensor 'w': \"data_offsets\": expected [begin, end], found none");
  EXPECT_EQ(refusal(R"({"w":[1]})", ""),
            "E0630 x.safetensors: tensor 'w': its description: expected an object, found [1]");
  EXPECT_EQ(refusal(R"({"__metadata__":{"a":1}})", ""),
            "E0630 x.safetensors: __metadata__ 'a': expected a string, found 1");
  EXPECT_EQ(refusal("[]", ""), "E0630 x.safetensors: header: expected an object, found []");
}

TEST(Safetensors, OverlapsHolesAndRestsAreRefused) {
  const auto two = [](int first_end, int second_begin, int data) {
    return refusal(fmt::format(R"({{"a":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}},)"
                               R"("b":{{"dtype":"U8","shape":[{2}],"data_offsets":[{1},{3}]}}}})",
                               first_end, second_begin, 8 - second_begin, 8),
                   std::string(data, 'x'));
  };
  EXPECT_EQ(two(4, 4, 8), "accepted");
  EXPECT_EQ(two(4, 3, 8),
            "E0630 x.safetensors: tensor 'b': data_offsets: expected begin 4, where the tensor before it ends, found 3 "
            "(they overlap)");
  EXPECT_NE(two(4, 5, 8).find("a hole between"), std::string::npos);
  EXPECT_EQ(two(4, 4, 9), "E0630 x.safetensors: data: expected 8 bytes, where the last tensor ends, found 9 bytes");
}

TEST(Safetensors, HostileSizesAreRefusedWithoutAnAllocation) {
  const std::string huge = base::ByteWriter().little<uint64_t>(~uint64_t{0}).text("{}").str();
  EXPECT_EQ(parse(huge).error().message(),
            "x.safetensors: header size: expected at most 100000000 bytes, found 18446744073709551615");
  EXPECT_EQ(parse(base::ByteWriter().little<uint64_t>(3).text("{}").str()).error().message(),
            "x.safetensors: header: expected 3 bytes, found 2 up to the end of the file");
  EXPECT_NE(refusal(R"({"w":{"dtype":"F64","shape":[4611686018427387904,2,0],"data_offsets":[0,0]}})", "").find("2^62"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"w":{"dtype":"F64","shape":[-1],"data_offsets":[0,0]}})", "").find("2^63"), std::string::npos);
  EXPECT_NE(refusal(R"({"w":{"dtype":"F64","shape":[1e3],"data_offsets":[0,0]}})", "").find("integers"),
            std::string::npos);
}

TEST(Safetensors, ANameTwiceIsRefusedByReaderAndWriter) {
  EXPECT_EQ(
      refusal(
          R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
          "")
          .substr(0, 5),
      "E0004");
  const base::TempFolder folder("safetensors");
  const std::vector<NamedArray> twice = {{"w", HostArray(DType::u8, {1})}, {"w", HostArray(DType::f32, {1})}};
  EXPECT_THROW(save_safetensors(folder / "x", twice), base::Error);
  EXPECT_FALSE(base::is_file(folder / "x"));
  EXPECT_THROW(save_safetensors(folder / "x", std::vector<NamedArray>{{"\xFF", HostArray(DType::u8, {1})}}),
               base::Error);
}

TEST(Safetensors, AMissingTensorOffersTheNearestName) {
  const std::string text = file_text(R"({"hidden.weight":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x");
  const auto file = parse(text).value();
  try {
    file.array("hiden.weight");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0632");
    EXPECT_EQ(error.hints().at(0), "did you mean 'hidden.weight'?");
  }
}

TEST(Safetensors, ABoolThatIsNeither0Nor1IsRefused) {
  const std::string text = file_text(R"({"m":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", "\x01\x02");
  const auto file = parse(text).value();
  EXPECT_THROW(file.array("m"), base::Error);
}

TEST(Safetensors, AMissingFileIsNamed) {
  EXPECT_EQ(SafetensorsFile::open("/nowhere/x.safetensors").error().code(), "E0001");
}

// Written for tools/golden/safetensors.py, which reads it with the official library.
TEST(Safetensors, ADemoFileHasEveryDType) {
  const base::TempFolder folder("safetensors");
  const char* wanted = std::getenv("STRATA_SAFETENSORS_DEMO");
  const std::string path = wanted != nullptr ? wanted : folder / "demo.safetensors";
  save_safetensors(path, every_dtype(), {{"format", "pt"}});
  EXPECT_EQ(SafetensorsFile::open(path).value().entries().size(), 16u);
}

}  // namespace
}  // namespace strata::formats
