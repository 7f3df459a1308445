#include "sync/base/percent_encoding.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

TEST(PercentEncoding, LeavesLettersDigitsAndWhatIsPlain) {
  EXPECT_EQ(percent_encoded("azAZ09-._~", unreserved), "azAZ09-._~");
  EXPECT_EQ(percent_encoded("a/b", "/"), "a/b");
  EXPECT_EQ(percent_encoded("a-b", ""), "a%2Db");
}

TEST(PercentEncoding, EncodesEveryOtherByteInUpperCase) {
  EXPECT_EQ(percent_encoded("a b/c?d=%", unreserved), "a%20b%2Fc%3Fd%3D%25");
  EXPECT_EQ(percent_encoded("\xc3\xbc\xff", unreserved), "%C3%BC%FF");
  EXPECT_EQ(percent_encoded(std::string_view("\0", 1), unreserved), "%00");
}

}  // namespace
}  // namespace regsync
