#include "sync/base/digest.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

// FIPS 180-2, appendix B.1.
TEST(Digest, IsTheFirstHalfOfSha256) {
  EXPECT_EQ(digest_of("abc"),
            (Digest{0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23}));
}

TEST(Digest, DiffersForBytesThatDiffer) {
  EXPECT_EQ(digest_of("a"), digest_of("a"));
  EXPECT_NE(digest_of("a"), digest_of("b"));
  EXPECT_NE(digest_of(""), Digest{});
}

}  // namespace
}  // namespace regsync
