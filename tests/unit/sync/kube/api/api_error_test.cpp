#include "sync/kube/api/api_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace regsync::kube {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const Operation apply{"apply", "secrets", "x", "n"};

std::string status(const char* reason, const char* message, json details = {}) {
  return json{{"kind", "Status"},
              {"apiVersion", "v1"},
              {"reason", reason},
              {"message", message},
              {"details", std::move(details)}}
      .dump();
}

Error error(long code, const std::string& body, const Operation& operation = apply) {
  return error_of(code, body, std::nullopt, operation);
}

TEST(StatusError, EachMeaningHasItsCode) {
  EXPECT_EQ(error(401, status("Unauthorized", "Unauthorized")).code(), ErrorCode::unauthorized);
  EXPECT_EQ(error(403, status("Forbidden", "secrets \"x\" is forbidden: User \"u\" cannot patch resource \"secrets\""))
                .code(),
            ErrorCode::forbidden);
  EXPECT_EQ(error(403, status("Forbidden", "exceeded quota: q")).code(), ErrorCode::rejected);
  EXPECT_EQ(error(403, status("Forbidden", "x", {{"causes", {{{"reason", "NamespaceTerminating"}}}}})).code(),
            ErrorCode::namespace_terminating);
  EXPECT_EQ(error(404, status("NotFound", "x", {{"kind", "namespaces"}})).code(), ErrorCode::namespace_missing);
  EXPECT_EQ(error(404, status("NotFound", "x", {{"kind", "secrets"}})).code(), ErrorCode::not_found);
  EXPECT_EQ(error(409, status("Conflict", "x")).code(), ErrorCode::stale);
  EXPECT_EQ(error(409, status("AlreadyExists", "x")).code(), ErrorCode::already_exists);
  EXPECT_EQ(error(410, status("Expired", "x")).code(), ErrorCode::expired);
  EXPECT_EQ(error(413, status("RequestEntityTooLarge", "x")).code(), ErrorCode::rejected);
  EXPECT_EQ(error(429, status("TooManyRequests", "x")).code(), ErrorCode::overloaded);
  EXPECT_EQ(error(500, status("", "x")).code(), ErrorCode::server_error);
  EXPECT_EQ(error(504, status("Timeout", "x")).code(), ErrorCode::server_error);
  EXPECT_EQ(error(302, "").code(), ErrorCode::protocol);
}

TEST(StatusError, ACreateThatIsForbiddenWithoutAReasonIsAMissingRight) {
  const Error refused = error(403, status("Forbidden", "secrets \"x\" is forbidden: "));
  EXPECT_EQ(refused.code(), ErrorCode::forbidden);
  EXPECT_THAT(refused.message(), HasSubstr("right to create"));
}

TEST(StatusError, AMissingNamespaceThatWasAskedForIsJustNotFound) {
  const Operation get{"get", "namespaces", "n", ""};
  EXPECT_EQ(error(404, status("NotFound", "x", {{"kind", "namespaces"}}), get).code(), ErrorCode::not_found);
}

TEST(StatusError, ImmutableIsToldFromInvalid) {
  const auto with = [](const char* reason, const char* field) {
    return status("Invalid", "x", {{"causes", {{{"reason", reason}, {"field", field}}}}});
  };
  EXPECT_EQ(error(422, with("FieldValueInvalid", "type")).code(), ErrorCode::immutable);
  EXPECT_EQ(error(422, with("FieldValueForbidden", "data")).code(), ErrorCode::immutable);
  EXPECT_EQ(error(422, with("FieldValueTooLong", "data")).code(), ErrorCode::rejected);
  EXPECT_EQ(error(422, status("Invalid", "bare")).code(), ErrorCode::rejected);
}

TEST(StatusError, ABare422ToAPatchIsStale) {
  EXPECT_EQ(error(422, status("Invalid", "x"), {"patch", "serviceaccounts", "x", "n"}).code(), ErrorCode::stale);
}

TEST(StatusError, ConflictsNameEachManagerAndField) {
  const json details = {{"causes",
                         {{{"reason", "FieldManagerConflict"},
                           {"message", "conflict with \"helm\" using v1"},
                           {"field", ".data..dockerconfigjson"}},
                          {{"reason", "FieldManagerConflict"},
                           {"message", "conflict with \"kubectl-edit\" using v1 at 2024-01-01T00:00:00Z"},
                           {"field", ".type"}}}}};
  const Error conflict = error(409, status("Conflict", "x", details));
  EXPECT_EQ(conflict.code(), ErrorCode::field_conflict);
  EXPECT_THAT(conflict.message(), HasSubstr("\"helm\" owns .data..dockerconfigjson"));
  EXPECT_THAT(conflict.message(), HasSubstr("\"kubectl-edit\" owns .type"));
}

TEST(StatusError, TheBodyOfTheRequestIsNotRepeated) {
  const Error refused =
      error(500, status("", "illegal base64 data at input byte 3, error found in #10 byte of ...|aHVudGVyMg|..."));
  EXPECT_THAT(refused.message(), HasSubstr("illegal base64"));
  EXPECT_THAT(refused.message(), Not(HasSubstr("aHVudGVyMg")));
}

TEST(StatusError, WhatIsNotAStatusIsShownInOneCleanLine) {
  const Error gateway = error(502, "<html>\r\n\x1b[31mBad Gateway\xff</html>");
  EXPECT_EQ(gateway.code(), ErrorCode::server_error);
  EXPECT_THAT(gateway.message(), HasSubstr("Bad Gateway"));
  EXPECT_EQ(gateway.message().find('\x1b'), std::string::npos);
  EXPECT_NO_THROW(static_cast<void>(json(gateway.message()).dump())) << "it is UTF-8";
  EXPECT_LT(error(502, std::string(100'000, 'x')).message().size(), 1000U);
}

TEST(StatusError, RetryAfterComesFromHeaderOrBody) {
  EXPECT_EQ(error_of(429, "", std::chrono::seconds(7), apply).retry_after(), std::chrono::seconds(7));
  EXPECT_EQ(error(429, status("TooManyRequests", "x", {{"retryAfterSeconds", 3}})).retry_after(),
            std::chrono::seconds(3));
  EXPECT_FALSE(error(429, "").retry_after());
}

TEST(StatusError, AnEventCarriesItsCodeInItsBody) {
  const Operation watch{"watch", "secrets", "", ""};
  EXPECT_EQ(error_of_event({{"kind", "Status"}, {"reason", "Expired"}, {"code", 410}}, watch).code(),
            ErrorCode::expired);
  EXPECT_EQ(error_of_event({{"kind", "Status"}, {"reason", "Gone"}}, watch).code(), ErrorCode::expired);
  EXPECT_EQ(error_of_event({{"kind", "Status"}, {"code", 500}}, watch).code(), ErrorCode::server_error);
  EXPECT_EQ(error_of_event(json::object(), watch).code(), ErrorCode::server_error);
}

}  // namespace
}  // namespace regsync::kube
