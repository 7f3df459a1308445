#include "sync/kube/http/response_head.hpp"

#include <gtest/gtest.h>

namespace regsync::kube {
namespace {

HttpResponse answer_with(std::initializer_list<const char*> lines) {
  ResponseHead head;
  for (const char* const line : lines) {
    EXPECT_FALSE(head.take(std::string(line) + "\r\n")) << line;
  }
  EXPECT_TRUE(head.take("\r\n"));
  HttpResponse response;
  head.fill(response);
  return response;
}

TEST(ResponseHead, NamesAreReadInAnyCaseAndValuesWithoutTheirBlanks) {
  const auto response = answer_with(
      {"HTTP/2 429", "RETRY-AFTER:7", "location:   /elsewhere", "Content-type: text/html; charset=x", "x-other: 1"});
  EXPECT_EQ(response.retry_after, std::chrono::seconds(7));
  EXPECT_EQ(response.location, "/elsewhere");
  EXPECT_EQ(response.content_type, "text/html; charset=x");
}

TEST(ResponseHead, AWishForADateCountsFromTheServersOwnDateWhicheverComesFirst) {
  const auto response =
      answer_with({"Retry-After: Wed, 21 Oct 2015 07:28:30 GMT", "Date: Wed, 21 Oct 2015 07:28:00 GMT"});
  EXPECT_EQ(response.retry_after, std::chrono::seconds(30));
  EXPECT_EQ(response.date, "Wed, 21 Oct 2015 07:28:00 GMT");
}

TEST(ResponseHead, SeveralChallengesAreOneList) {
  EXPECT_EQ(
      answer_with({"WWW-Authenticate: Basic realm=\"a\"", "www-authenticate: Bearer realm=\"b\""}).www_authenticate,
      R"(Basic realm="a", Bearer realm="b")");
}

TEST(ResponseHead, WhatIsNoHeaderIsNothing) {
  const auto response = answer_with({":", "date", "location:", "retry-after: soon", "   "});
  EXPECT_EQ(response.date, "");
  EXPECT_EQ(response.location, "");
  EXPECT_FALSE(response.retry_after);
}

TEST(ResponseHead, HasAnEnd) {
  ResponseHead head;
  const std::string line = "x: " + std::string(1000, 'x') + "\r\n";
  for (std::size_t bytes = 0; bytes + line.size() <= ResponseHead::longest; bytes += line.size()) {
    head.take(line);
    ASSERT_FALSE(head.is_too_long());
  }
  head.take(line);
  EXPECT_TRUE(head.is_too_long());
}

}  // namespace
}  // namespace regsync::kube
