#include "strata/ir/dim_table.h"

#include <gtest/gtest.h>

#include <random>

#include "strata/base/error/error.h"

namespace strata::ir {
namespace {

const std::vector<std::string> kSymbols = {"B", "S"};

TEST(DimTable, GivesTheValuesThatEachDimensionHasAlone) {
  std::mt19937 bits(5);
  std::vector<Dim> dims = {Dim::symbol("B"), Dim::symbol("S"), Dim(3), Dim(0), Dim(-7)};
  const auto any = [&] { return dims[bits() % dims.size()]; };
  for (int i = 0; i < 300; ++i) {
    const Dim a = any(), b = any();
    const Dim made[] = {
        a + b, a - b, floor_div(a, b), mod(a, b), min(a, b), max(a, b), a * Dim(static_cast<int64_t>(bits() % 9) - 4)};
    dims.push_back(made[bits() % std::size(made)]);
  }
  DimTable table(kSymbols);
  std::vector<int> places;
  for (Dim d : dims) places.push_back(table.add(d));
  for (size_t i = 0; i < dims.size(); ++i) EXPECT_EQ(table.add(dims[i]), places[i]) << "known: " << dims[i].str();
  for (int64_t b : {0, 1, 2, 7, 1024})
    for (int64_t s : {0, 1, 3, 64}) {
      const auto value_of = [&](std::string_view symbol) { return symbol == "B" ? b : s; };
      const std::vector<int64_t> values = table.evaluate(std::vector<int64_t>{b, s});
      for (size_t i = 0; i < dims.size(); ++i)
        EXPECT_EQ(values[places[i]], dims[i].evaluate(value_of)) << dims[i].str();
    }
}

TEST(DimTable, RefusesUnknownSymbolsAndValuesOutOfRange) {
  DimTable table(kSymbols);
  try {
    table.add(Dim::symbol("T") + 1);
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0110");
    EXPECT_NE(error.text().find("'T'"), std::string::npos) << error.text();
  }
  table.add(Dim::symbol("B") * Dim::symbol("S"));
  const int64_t large = int64_t{1} << 40;
  EXPECT_EQ(table.evaluate(std::vector<int64_t>{large, 2})[2], large * 2);
  EXPECT_THROW(table.evaluate(std::vector<int64_t>{large, large}), base::Error);
}

}  // namespace
}  // namespace strata::ir
