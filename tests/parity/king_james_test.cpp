// The reader of the frozen text: the right text, and refusal of damaged files.
#include <gtest/gtest.h>

#include "bench/texts/king_james.h"
#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"

namespace strata::bench {
namespace {

TEST(KingJames, HasItsFirstAndLastVerse) {
  if (!base::is_file(std::string(kKingJamesFile))) GTEST_SKIP() << "bible-kjv-text is not installed";
  const std::string text = king_james().value();
  EXPECT_NE(text.find("Ge1:1 In the beginning God created the heaven and the earth.\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("Rev22:21 The grace of our Lord Jesus Christ be with you all. Amen.\n"));
  EXPECT_EQ(text.size(), 4404475u);
}

TEST(KingJames, AMissingFileIsNamed) {
  const auto text = king_james("/nowhere/bible.data");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code(), "E0001");
}

TEST(KingJames, TruncatedAndChangedFilesAreRefused) {
  if (!base::is_file(std::string(kKingJamesFile))) GTEST_SKIP() << "bible-kjv-text is not installed";
  const std::string whole = base::read_text(std::string(kKingJamesFile)).value();
  const base::TempFolder folder("king-james");
  const std::string path = folder / "bible.data";
  for (const size_t size : {size_t{0}, size_t{50}, size_t{0x60}, size_t{400}, whole.size() - 1}) {
    base::write_file(path, std::string_view(whole).substr(0, size));
    const auto text = king_james(path);
    ASSERT_FALSE(text.ok()) << size;
    EXPECT_EQ(text.error().code(), "E0721") << size;
  }
  for (const size_t at : {size_t{0x58}, size_t{0x5c}, size_t{0x180}, size_t{0x9000}, whole.size() - 10}) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    base::write_file(path, changed);
    EXPECT_FALSE(king_james(path).ok()) << at;
  }
}

}  // namespace
}  // namespace strata::bench
