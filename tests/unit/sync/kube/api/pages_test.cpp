#include "sync/kube/api/pages.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

namespace regsync::kube {
namespace {

// The code of what it throws for a page of this token; nothing where it goes on.
std::optional<ErrorCode> refusal(Pages& pages, std::string token) {
  try {
    pages.turn(std::move(token));
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

TEST(Pages, AreFollowedToTheLastOne) {
  Pages pages;
  EXPECT_TRUE(pages.is_first());
  EXPECT_TRUE(pages.turn("a"));
  EXPECT_EQ(pages.token(), "a");
  EXPECT_FALSE(pages.is_first());
  EXPECT_TRUE(pages.turn("b"));
  EXPECT_FALSE(pages.turn(""));
}

TEST(Pages, OnePageTwiceInSuccessionIsNoEnd) {
  Pages pages;
  pages.turn("a");
  EXPECT_EQ(refusal(pages, "a"), ErrorCode::protocol);
  EXPECT_EQ(pages.token(), "a");
}

TEST(Pages, ATokenIsOfLimitedLength) {
  Pages pages;
  EXPECT_FALSE(refusal(pages, std::string(8192, 'x')));
  EXPECT_EQ(refusal(pages, std::string(8193, 'y')), ErrorCode::protocol);
}

TEST(Pages, AreLimitedInNumber) {
  Pages pages;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(refusal(pages, std::to_string(i))) << i;
  }
  EXPECT_EQ(refusal(pages, "one more"), ErrorCode::protocol);
  EXPECT_FALSE(refusal(pages, "")) << "the end is always one";
}

}  // namespace
}  // namespace regsync::kube
