#include "sync/kube/api/api_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

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

HttpResponse response_of(long code, std::string body) {
  HttpResponse response;
  response.status = code;
  response.body = std::move(body);
  return response;
}

Error error(long code, const std::string& body, const Operation& operation = apply) {
  return error_of(response_of(code, body), operation);
}

TEST(StatusError, EachMeaningHasItsCode) {
  EXPECT_EQ(error(401, status("Unauthorized", "Unauthorized")).code(), ErrorCode::unauthorized);
  EXPECT_EQ(error(403, status("Forbidden", "secrets \"x\" is forbidden: User \"u\" cannot patch resource \"secrets\""))
                .code(),
            ErrorCode::forbidden);
  EXPECT_EQ(error(403, status("Forbidden", "exceeded quota: q")).code(), ErrorCode::rejected);
  for (const char* denial :
       {R"(admission webhook "w" denied the request: pull Secrets cannot be made here without the label team)",
        R"(secrets "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: User "u" cannot)",
        R"(admission webhook "g" denied the request: [policy] User "u" cannot create Secrets)"}) {
    EXPECT_EQ(error(403, status("Forbidden", denial)).code(), ErrorCode::rejected) << denial;
  }
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
}

TEST(StatusError, ADenialOfAdmissionIsOneWhateverCodeItHas) {
  const char* webhook = R"(admission webhook "w" denied the request: pull Secrets need the label team)";
  const char* policy =
      R"(secrets "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: label team is needed)";
  for (const char* denial : {webhook, policy}) {
    for (const long code : {400L, 401L, 403L, 404L, 409L, 410L, 422L}) {
      const Error denied = error(code, status("Unauthorized", denial));
      EXPECT_EQ(denied.code(), ErrorCode::rejected) << code;
      EXPECT_THAT(denied.message(), HasSubstr("label team")) << code;
      EXPECT_THAT(denied.remedy(), HasSubstr("admission rule")) << code;
    }
    EXPECT_EQ(error(429, status("TooManyRequests", denial)).code(), ErrorCode::overloaded) << "later it may be taken";
    EXPECT_EQ(error(500, status("InternalError", denial)).code(), ErrorCode::server_error);
  }
}

TEST(StatusError, OnlyA401WithoutCausesRefusesTheCredentials) {
  const auto refuses = [](long code, const std::string& body) { return refuses_credentials(response_of(code, body)); };
  EXPECT_TRUE(refuses(401, status("Unauthorized", "Unauthorized")));
  EXPECT_TRUE(refuses(401, "Unauthorized"));
  EXPECT_FALSE(refuses(401, status("Unauthorized", "x", {{"causes", {{{"message", "label team is needed"}}}}})));
  EXPECT_FALSE(refuses(401, status("Unauthorized", R"(admission webhook "w" denied the request: no)")));
  EXPECT_FALSE(refuses(403, status("Forbidden", "Unauthorized")));
}

// GKE Autopilot, of either age.
TEST(StatusError, WhereNobodyMayWriteTheAdviceIsToLeaveTheNamespaceOut) {
  for (const std::string by : {"GKE Warden authz [denied by managed-namespaces-limitation]", "GKEAutopilot authz"}) {
    const std::string said =
        R"(secrets "x" is forbidden: User "u" cannot patch resource "secrets" in API group "" in the namespace "n": )" +
        by + R"(: the namespace "n" is managed and the request's verb "patch" is denied)";
    const Error refused = error(403, status("Forbidden", said.c_str()));
    EXPECT_EQ(refused.code(), ErrorCode::rejected) << by;
    EXPECT_THAT(refused.message(), HasSubstr("is managed")) << by;
    EXPECT_THAT(refused.remedy(), HasSubstr("excludeNamespaces: [n]")) << by;
    EXPECT_EQ(error(403, status("Forbidden", said.c_str()), {"list", "secrets", "", "n"}).code(), ErrorCode::forbidden)
        << "a narrower list may be allowed";
  }
  const char* soon = R"(secrets "x" is forbidden: User "u" cannot patch resource "secrets" in API group "": )"
                     "GKEAutopilot authz: the request was sent before policy enforcement is enabled";
  EXPECT_EQ(error(403, status("Forbidden", soon)).code(), ErrorCode::forbidden);
}

// Before Kubernetes 1.32, and since.
TEST(StatusError, AnObjectThatTheApiServerCannotDecodeIsToldApart) {
  const auto thrown = [](const std::string& body) {
    try {
      throw_error_of(response_of(500, body), {"list", "secrets", "", ""});
    } catch (const UnreadableObject& error) {
      EXPECT_EQ(error.code(), ErrorCode::server_error);
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  EXPECT_TRUE(thrown(status("InternalError",
                            R"(Internal error occurred: unable to transform key "/registry/secrets/old/x": no key)")));
  EXPECT_TRUE(thrown(status("StorageReadError", "failed to read one or more secrets from the storage")));
  EXPECT_FALSE(thrown(status("InternalError", "etcdserver: leader changed")));
}

// Admission webhooks, and proxies, quote the object that they refuse.
TEST(StatusError, ARefusalThatMayHoldTheSecretIsNotRepeated) {
  const std::string quoted = R"(denied: {"data":{".dockerconfigjson":"eyJhdXRocyI6eyJnaGNyLmlvIjp7fX19"}})";
  for (const long code : {400L, 403L, 409L, 422L, 429L, 500L}) {
    const Error refused = error(code, status("Invalid", ("admission webhook " + quoted).c_str()));
    EXPECT_THAT(refused.message(), Not(HasSubstr("eyJhdXRo"))) << code;
  }
  EXPECT_THAT(error(403, status("Forbidden", quoted.c_str())).message(), HasSubstr("is not shown"));
  EXPECT_THAT(error(502, "bad gateway: " + quoted).message(), Not(HasSubstr("eyJhdXRo")));
  const char* in_a_string = R"(denied: "{\"auths\":{\"ghcr.io\":{\"username\":\"u\",\"password\":\"hunter2xyz\"}}}")";
  EXPECT_THAT(error(400, status("Invalid", in_a_string)).message(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(error(502, in_a_string).message(), Not(HasSubstr("hunter2")));
  const std::string across_the_cut = std::string(190, ' ') + "Xk39fQ2LmZ81vRtB7sYw4Nd0";
  EXPECT_THAT(error(502, across_the_cut).message(), Not(HasSubstr("Xk39"))) << "nor the part of it that would be shown";
  const json causes = {{"causes",
                        {{{"reason", "FieldManagerConflict"},
                          {"message", "conflict with \"" + quoted + "\""},
                          {"field", "eyJhdXRocyI6eyJnaGNyLmlvIjp7fX19"}}}}};
  EXPECT_THAT(error(409, status("Conflict", "x", causes)).message(), Not(HasSubstr("eyJhdXRo")));
}

TEST(StatusError, SomebodyWithoutCredentialsLacksThemAndNoRight) {
  const char* said = R"(secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "")";
  const Error refused = error(403, status("Forbidden", said));
  EXPECT_EQ(refused.code(), ErrorCode::forbidden) << "everybody may have other rights";
  EXPECT_THAT(refused.message(), HasSubstr("sees no credentials of this context"));
  EXPECT_THAT(refused.remedy(), Not(HasSubstr("grant")));
  EXPECT_EQ(error(403, status("Forbidden", R"(webhook "w" denied the request: User "system:anonymous" cannot)")).code(),
            ErrorCode::rejected);
}

TEST(StatusError, WhoMayNotImpersonateIsNotHelpedByARightOfWhomTheyActAs) {
  for (
      const char* said :
      {R"(users "deployer" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope)",
       R"(users "d" is forbidden: User "a" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io")",
       R"(groups "g" is forbidden: User "system:anonymous" cannot impersonate resource "groups" in API group "")"}) {
    const Error refused = error(403, status("Forbidden", said));
    EXPECT_EQ(refused.code(), ErrorCode::unauthorized) << said;
    EXPECT_THAT(refused.message(), HasSubstr("cannot impersonate"));
    EXPECT_THAT(refused.remedy(), Not(HasSubstr("rbac`")));
  }
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

TEST(StatusError, OfManyConflictsThreeAreNamed) {
  json causes = json::array();
  for (int i = 0; i < 7000; ++i) {
    causes.push_back({{"reason", "FieldManagerConflict"}, {"field", ".f" + std::to_string(i)}});
  }
  const Error conflict = error(409, status("Conflict", "x", {{"causes", causes}}));
  EXPECT_THAT(conflict.message(), HasSubstr("owns .f2 and 6997 more"));
  EXPECT_LT(conflict.message().size(), 1000U);
}

// An event of a watch may have megabytes of each.
TEST(StatusError, WhatIsTooLongIsNotShown) {
  const std::string without_end(std::size_t{1} << 20, 'x');
  const json said = {{"kind", "Status"}, {"apiVersion", "v1"}, {"code", 500}, {"message", without_end}};
  EXPECT_THAT(error_of_event(said, {"watch", "secrets", "", ""}).message(), HasSubstr("too long to be shown"));
  const json details = {{"causes",
                         {{{"reason", "FieldManagerConflict"},
                           {"message", "conflict with \"" + without_end + "\""},
                           {"field", without_end}}}}};
  const Error conflict = error(409, status("Conflict", "x", details));
  EXPECT_THAT(conflict.message(), HasSubstr("too long to be shown\" owns what it says is too long to be shown"));
}

TEST(StatusError, TheBodyOfTheRequestIsNotRepeated) {
  const Error refused =
      error(500, status("", "illegal base64 data at input byte 3, error found in #10 byte of ...|aHVudGVyMg|..."));
  EXPECT_THAT(refused.message(), HasSubstr("illegal base64"));
  EXPECT_THAT(refused.message(), Not(HasSubstr("aHVudGVyMg")));
}

// Of a captive portal, a login page, a proxy that denies.
TEST(StatusError, OnlyAStatusIsAnAnswerOfTheApiServer) {
  const std::string page = "<html><head><title>Sign in to\nthe network</title></head><body>Forbidden</body></html>";
  for (const long code : {400L, 403L, 404L, 409L, 410L, 422L}) {
    for (const std::string& body : {page, std::string(), std::string("{}"), std::string(R"({"kind":"Status"})"),
                                    std::string(R"({"kind":"Status","apiVersion":"v2","reason":"Forbidden"})")}) {
      EXPECT_EQ(error(code, body).code(), ErrorCode::unreachable) << code << " " << body;
    }
  }
  const Error portal = error(403, page);
  EXPECT_THAT(portal.message(), HasSubstr("HTTP 403 (Sign in to the network)"));
  EXPECT_THAT(portal.message(), Not(HasSubstr("<")));
  EXPECT_THAT(portal.remedy(), HasSubstr("login page"));
}

TEST(StatusError, SomeAnswersOfTheApiServerAreNoStatus) {
  EXPECT_EQ(error(429, "Too many requests, please try again later.").code(), ErrorCode::overloaded);
  EXPECT_EQ(error(503, "apiserver not ready").code(), ErrorCode::server_error);
  EXPECT_EQ(error(413, "").code(), ErrorCode::rejected);
  EXPECT_EQ(error(401, "Unauthorized").code(), ErrorCode::unauthorized);
  EXPECT_THAT(error(404, "404 page not found\n").message(), HasSubstr("no Kubernetes API at this path"));
  EXPECT_THAT(error(400, "Client sent an HTTP request to an HTTPS server.\n").remedy(), HasSubstr("write https://"));
}

TEST(StatusError, ARedirectNamesItsHostAndNoMore) {
  HttpResponse response = response_of(302, "");
  response.location = "https://login.example/x?token=s3cret";
  const Error redirect = error_of(response, apply);
  EXPECT_EQ(redirect.code(), ErrorCode::unreachable);
  EXPECT_THAT(redirect.message(), HasSubstr("redirect to https://login.example,"));
  EXPECT_THAT(redirect.message(), Not(HasSubstr("s3cret")));
  response.location = "\x1b[31m";
  EXPECT_EQ(error_of(response, apply).message().find('\x1b'), std::string::npos);
}

TEST(StatusError, AHostileStatusIsNoTreeOfAnySize) {
  EXPECT_EQ(error(403, R"({"kind":"Status","apiVersion":"v1","details":)" + std::string(200'000, '[')).code(),
            ErrorCode::unreachable);
}

TEST(StatusError, WhatIsNotAStatusIsShownInOneCleanLine) {
  const Error gateway = error(502, "\x1b[31mBad Gateway\xff");
  EXPECT_EQ(gateway.code(), ErrorCode::server_error);
  EXPECT_THAT(gateway.message(), HasSubstr("Bad Gateway"));
  EXPECT_EQ(gateway.message().find('\x1b'), std::string::npos);
  EXPECT_NO_THROW(static_cast<void>(json(gateway.message()).dump())) << "it is UTF-8";
  EXPECT_LT(error(502, std::string(100'000, 'x')).message().size(), 1000U);
}

TEST(StatusError, RetryAfterComesFromHeaderOrBody) {
  HttpResponse response = response_of(429, "");
  response.retry_after = std::chrono::seconds(7);
  EXPECT_EQ(error_of(response, apply).retry_after(), std::chrono::seconds(7));
  EXPECT_EQ(error(429, status("TooManyRequests", "x", {{"retryAfterSeconds", 3}})).retry_after(),
            std::chrono::seconds(3));
  EXPECT_FALSE(error(429, "").retry_after());
}

TEST(StatusError, NoWishInTheBodyIsLongerThanFiveMinutes) {
  const auto wish = [](const json& seconds) {
    return error(429, status("TooManyRequests", "x", {{"retryAfterSeconds", seconds}})).retry_after();
  };
  for (const json& forever : {json(301), json(2147483647), json(INT64_MAX), json(UINT64_MAX)}) {
    EXPECT_EQ(wish(forever), std::chrono::minutes(5)) << forever;
  }
  for (const json& none : {json(0), json(-1), json(INT64_MIN), json(1.5), json("7"), json(nullptr), json::array()}) {
    EXPECT_FALSE(wish(none)) << none;
  }
}

TEST(StatusError, AnEventCarriesItsCodeInItsBody) {
  const Operation watch{"watch", "secrets", "", ""};
  EXPECT_EQ(
      error_of_event({{"kind", "Status"}, {"apiVersion", "v1"}, {"reason", "Expired"}, {"code", 410}}, watch).code(),
      ErrorCode::expired);
  EXPECT_EQ(error_of_event({{"kind", "Status"}, {"apiVersion", "v1"}, {"reason", "Gone"}}, watch).code(),
            ErrorCode::expired);
  EXPECT_EQ(error_of_event({{"kind", "Status"}, {"apiVersion", "v1"}, {"code", 500}}, watch).code(),
            ErrorCode::server_error);
  EXPECT_EQ(error_of_event(json::object(), watch).code(), ErrorCode::server_error);
  for (const json& odd : {json(-1), json(7), json(1e300), json("410"), json(INT64_MAX)}) {
    const json event = {{"kind", "Status"}, {"apiVersion", "v1"}, {"code", odd}};
    EXPECT_EQ(error_of_event(event, watch).code(), ErrorCode::server_error) << odd;
  }
}

}  // namespace
}  // namespace regsync::kube
