#include "strata/base/random/philox.h"

#include <gtest/gtest.h>

namespace strata::base {
namespace {

/// kat_vectors of Random123, philox4x32 with 10 rounds.
TEST(Philox, GivesTheKnownAnswersOfRandom123) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (PhiloxCounter{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (PhiloxCounter{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}));
  EXPECT_EQ(philox({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, {0xA4093822, 0x299F31D0}),
            (PhiloxCounter{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}));
}

TEST(Philox, SeedsAndNumbersAreSplitLowWordFirst) {
  EXPECT_EQ(philox_key(0x1122334455667788), (PhiloxKey{0x55667788, 0x11223344}));
  EXPECT_EQ(philox_counter(0x1122334455667788, 3, 4), (PhiloxCounter{0x55667788, 0x11223344, 3, 4}));
}

}  // namespace
}  // namespace strata::base
