// What TensorBoard itself makes of these files is checked by tools/golden/tensorboard_events.py.
#include "strata/report/events/event_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/report/events/crc32c.h"
#include "strata/report/events/message.h"

namespace strata::report {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) {
    for (const int digit : {byte >> 4, byte & 15}) out += "0123456789abcdef"[digit];
  }
  return out;
}

/// The data of the records of an event file; checks every length and checksum.
std::vector<std::string> records_of(const std::string& path) {
  const std::string file = base::read_text(path).value();
  std::vector<std::string> records;
  for (std::size_t at = 0; at < file.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, file.data() + at, sizeof length);
    const std::string data = file.substr(at + 12, length);
    EXPECT_EQ(hex(tf_record(data)), hex(std::string_view(file).substr(at, length + 16)));
    records.push_back(data);
    at += length + 16;
  }
  return records;
}

EventFileOptions fixed_clock() {
  return {.clock = [] { return 1.0; }};
}

TEST(Crc32c, GivesThePublishedVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
}

TEST(Message, EncodesEachWireKind) {
  EXPECT_EQ(hex(Message().integer(1, 150).encoded()), "089601");
  EXPECT_EQ(hex(Message().integer(2, -1).encoded()), "10ffffffffffffffffff01");
  EXPECT_EQ(hex(Message().number(1, 1.0).encoded()), "09000000000000f03f");
  EXPECT_EQ(hex(Message().number(2, 1.0f).encoded()), "150000803f");
  EXPECT_EQ(hex(Message().bytes(2, "testing").encoded()), "120774657374696e67");
  EXPECT_EQ(hex(Message().message(3, Message().integer(1, 150)).encoded()), "1a03089601");
}

TEST(EventFile, WritesVersionThenScalarByteForByte) {
  const base::TempFolder folder("events");
  EventFile file(folder / "tb", fixed_clock());
  file.scalar("loss", 7, 0.5);
  EXPECT_EQ(base::read_text(file.path()).value().size(), 16u + 24 + 16 + 26);
  const std::vector<std::string> records = records_of(file.path());
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(hex(records[0]),
            "09000000000000f03f"
            "1a0d" +
                hex("brain.Event:2"));
  EXPECT_EQ(hex(records[1]),
            "09000000000000f03f"
            "1007"
            "2a0d"
            "0a0b"
            "0a04" +
                hex("loss") + "150000003f");
}

TEST(EventFile, FramesWithTheKnownChecksums) {
  EXPECT_EQ(hex(tf_record("")),
            "0000000000000000"
            "29039807"
            "d8ea82a2");
}

TEST(EventFile, ResumeIsASessionStartAndANewFile) {
  const base::TempFolder folder("events");
  EventFile first(folder.path(), fixed_clock());
  EventFileOptions options = fixed_clock();
  options.resumed_at = 300;
  EventFile second(folder.path(), options);
  EXPECT_NE(first.path(), second.path());
  EXPECT_LT(first.path(), second.path());
  EXPECT_EQ(hex(records_of(second.path()).at(1)),
            "09000000000000f03f"
            "10ac02"
            "3a020801");
}

TEST(EventFile, MendsTextThatIsNotUtf8) {
  const base::TempFolder folder("events");
  EventFile file(folder.path(), fixed_clock());
  file.text("sample", 1, "a\xFF<b>");
  EXPECT_NE(records_of(file.path()).at(1).find("a\xEF\xBF\xBD<b>"), std::string::npos);
}

TEST(EventFile, CarriesThePictureAsPng) {
  const base::TempFolder folder("events");
  EventFile file(folder.path(), fixed_clock());
  const Image image = Image::filled(3, 2, {1, 2, 3});
  file.image("grid", 1, image);
  EXPECT_NE(records_of(file.path()).at(1).find(encode_png(image)), std::string::npos);
}

/// A run of 5 scalars that is resumed at step 3. Set STRATA_REPORT_DEMO to a folder to keep it:
/// tools/golden/tensorboard_events.py does, and compares what TensorBoard reads with these same numbers.
TEST(EventFile, ADemoRunHasEveryKindOfEvent) {
  const base::TempFolder temp("events");
  const char* keep = std::getenv("STRATA_REPORT_DEMO");
  const std::string folder = (keep != nullptr ? keep : temp.path()) + std::string("/events");
  {
    EventFile file(folder, fixed_clock());
    for (int step = 0; step < 5; ++step) file.scalar("loss/train", step, 1.0 / (1 + step));
  }
  EventFile file(folder, {.clock = [] { return 2.0; }, .resumed_at = 3});
  file.scalar("loss/train", 3, 10);
  file.scalar("loss/nan", 3, std::nan(""));
  file.image("samples/grid", 4, Image::filled(3, 2, {1, 2, 3}));
  file.text("samples/text", 4, "gr\xC3\xBCn \xFF");
  EXPECT_EQ(records_of(file.path()).size(), 6u);
}

TEST(EventFile, AFolderThatCannotBeMadeIsAnEnvironmentError) {
  try {
    EventFile file("/proc/nowhere/tb");
    FAIL() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0002");
  }
}

}  // namespace
}  // namespace strata::report
