#include "strata/ops/composites/list.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "strata/ops/list.h"

namespace strata::ops {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(CompositeList, EachStandsInItsHeaderAndIsNoOp) {
  std::set<std::string_view> names;
  for (const CompositeEntry& c : all_composites()) {
    EXPECT_TRUE(names.insert(c.name).second) << c.name;
    EXPECT_EQ(find_composite(c.name), &c);
    EXPECT_EQ(op_table().find(c.name), nullptr) << c.name;
    EXPECT_TRUE(std::regex_search(text_of(c.header), std::regex("\\b" + std::string(c.name) + "\\b"))) << c.name;
  }
  EXPECT_EQ(find_composite("attentio"), nullptr);
}

TEST(CompositeList, HasAllThatTheOpsRecordByName) {
  const std::regex recorded(R"re((?:as_composite|smooth|elementwise_loss|loss_of)\(\s*"([a-z0-9_]+)")re");
  size_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("strata/ops")) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".cpp") || name.ends_with("_test.cpp")) continue;
    const std::string text = text_of(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), recorded), end; at != end; ++at, ++found)
      EXPECT_NE(find_composite((*at)[1].str()), nullptr) << (*at)[1] << " of " << entry.path();
  }
  EXPECT_GT(found, 30u);
}

}  // namespace
}  // namespace strata::ops
