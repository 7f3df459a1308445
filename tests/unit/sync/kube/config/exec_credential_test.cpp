#include "sync/kube/config/exec_credential.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "helper/base/error.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* v1 = "client.authentication.k8s.io/v1";

std::string credential(json status, const char* version = v1) {
  return json{{"kind", "ExecCredential"}, {"apiVersion", version}, {"status", std::move(status)}}.dump();
}

Error refusal(const std::string& text) {
  try {
    parse_exec_credential(text, v1);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::credential_plugin);
    EXPECT_THAT(error.message(), Not(HasSubstr("hunter2"))) << "what a plugin prints may be a token";
    return error;
  }
  throw std::logic_error("taken: " + text);
}

TEST(ExecCredential, ATokenWithItsExpiry) {
  const ExecCredential parsed =
      parse_exec_credential(credential({{"token", "hunter2"}, {"expirationTimestamp", "2030-01-02T03:04:05Z"}}), v1);
  EXPECT_EQ(parsed.token.reveal(), "hunter2");
  EXPECT_EQ(std::chrono::system_clock::to_time_t(*parsed.expires), 1893553445);
}

TEST(ExecCredential, ExpiryWithFractionAndOffset) {
  const auto expires = [](const char* text) {
    return std::chrono::system_clock::to_time_t(
        *parse_exec_credential(credential({{"token", "t"}, {"expirationTimestamp", text}}), v1).expires);
  };
  EXPECT_EQ(expires("2030-01-02T03:04:05.678Z"), 1893553445);
  EXPECT_EQ(expires("2030-01-02T05:04:05+02:00"), 1893553445);
  EXPECT_EQ(expires("2030-01-02T3:04:05,5Z"), 1893553445);
  EXPECT_EQ(expires("2030-01-01T21:34:05-05:30"), 1893553445);
  EXPECT_GT(expires("9999-12-31T23:59:59Z"), 1893553445) << "never";
  EXPECT_EQ(expires("0001-01-01T00:00:01Z"), 0);
}

TEST(ExecCredential, ThatExpiresAtGosZeroTimeNeverDoes) {
  for (const char* text : {"0001-01-01T00:00:00Z", "0001-01-01T01:00:00+01:00", "0000-12-31T19:00:00-05:00"}) {
    const json status = {{"token", "t"}, {"expirationTimestamp", text}};
    EXPECT_FALSE(parse_exec_credential(credential(status), v1).expires) << text;
  }
}

TEST(ExecCredential, IsReadAsClientGoReadsIt) {
  const auto token = [](const std::string& text) {
    return std::string(parse_exec_credential(text, v1).token.reveal());
  };
  EXPECT_EQ(token("apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus:\n  token: t\n"), "t");
  EXPECT_EQ(token(R"({"apiVersion": "client.authentication.k8s.io/v1", "status": {"token": "t"}})"), "t")
      << "the kind is known";
}

TEST(ExecCredential, WhatIsRefused) {
  EXPECT_THAT(refusal("token: [hunter2").message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal("hunter2").message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal("").message(), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal(R"({"kind":"Secret","token":"hunter2"})").message(), HasSubstr("not of kind ExecCredential"));
  EXPECT_THAT(refusal(credential({{"token", "hunter2"}}, "client.authentication.k8s.io/v1beta1")).message(),
              HasSubstr("plugin returned version client.authentication.k8s.io/v1beta1"));
  EXPECT_THAT(refusal(credential(nullptr)).message(), HasSubstr("didn't return a status"));
  EXPECT_THAT(refusal(credential(json::object())).message(), HasSubstr("didn't return a token or cert/key pair"));
  EXPECT_THAT(refusal(credential({{"clientCertificateData", "hunter2"}})).message(),
              HasSubstr("only certificate or key"));
  EXPECT_THAT(refusal(credential({{"clientKeyData", "hunter2"}})).message(), HasSubstr("only certificate or key"));
  EXPECT_THAT(refusal(credential({{"clientCertificateData", "x"}, {"clientKeyData", "hunter2"}})).message(),
              HasSubstr("the certificate is not PEM"));
  EXPECT_THAT(refusal(credential({{"token", "hunter2\nX-Other: y"}})).message(), HasSubstr("control characters"));
  EXPECT_THAT(refusal(credential({{"token", 5}})).message(), HasSubstr("must be a string"));
  EXPECT_THAT(refusal(credential({{"token", "hunter2"}, {"expirationTimestamp", "tomorrow"}})).message(),
              HasSubstr("RFC 3339"));
}

TEST(ExecCredential, AnExpiryIsReadAsStrictlyAsClientGoDoes) {
  for (const char* const text : {"", "2099-02-30T00:00:00Z", "2099-04-31T00:00:00Z", "2099-1-1T00:00:00Z",
                                 "2099-01-01T00:00:00.Z", "2099-01-01T00:00:60Z", "2099-01-01T00:00Z",
                                 " 2099-01-01T00:00:00Z", "2099-01-01T00:00:00z", "2099-01-01T00:00:00"}) {
    EXPECT_THAT(refusal(credential({{"token", "hunter2"}, {"expirationTimestamp", text}})).message(),
                HasSubstr("RFC 3339"))
        << text;
  }
  EXPECT_FALSE(parse_exec_credential(credential({{"token", "t"}, {"expirationTimestamp", nullptr}}), v1).expires);
  EXPECT_TRUE(
      parse_exec_credential(credential({{"token", "t"}, {"expirationTimestamp", "2096-02-29T00:00:00Z"}}), v1).expires);
}

TEST(ExecCredential, MayHoldMuchElseAndIsCalledTooLargeWhereItIs) {
  const auto with_values = [](std::size_t count) {
    json all = json::parse(credential({{"token", "hunter2"}}));
    all["status"]["groups"] = std::vector<int>(count, 7);
    return all.dump();
  };
  EXPECT_EQ(parse_exec_credential(with_values(100'000), v1).token.reveal(), "hunter2");
  EXPECT_THAT(refusal(with_values(400'000)).message(), HasSubstr("too large: it has more than 250000 values"));
  EXPECT_THAT(refusal(std::string(2'000'000, ' ')).message(), HasSubstr("too large: it is larger than 1 MiB"));
  EXPECT_THAT(refusal("hunter2: '" + std::string(100'000, 'x') + "'").message(),
              HasSubstr("neither JSON nor YAML of less than 64 KiB"));
}

TEST(ExecInfo, TellsTheClusterWhereAskedTo) {
  ResolvedContext context;
  context.tls_server_name = "inner";
  context.ca_data = "PEM";
  context.exec = ExecConfig{};
  context.exec->api_version = v1;
  context.exec->provide_cluster_info = true;
  context.exec->cluster_info_server = "https://k.example/";
  context.exec->cluster_info_config = R"({"audience":"a"})";
  const json info = json::parse(exec_info(context, true));
  EXPECT_EQ(info.at("spec").at("interactive"), true);
  const json cluster = info.at("spec").at("cluster");
  EXPECT_EQ(cluster.at("server"), "https://k.example/");
  EXPECT_EQ(cluster.at("tls-server-name"), "inner");
  EXPECT_EQ(cluster.at("certificate-authority-data"), "UEVN");
  EXPECT_EQ(cluster.at("config").at("audience"), "a");
}

}  // namespace
}  // namespace regsync::kube
