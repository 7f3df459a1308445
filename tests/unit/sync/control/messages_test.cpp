#include "sync/control/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "helper/base/file_io.hpp"
#include "sync/base/rfc3339.hpp"

namespace regsync::control {
namespace {

using nlohmann::json;

WallTime at(const char* time) { return parse_rfc3339(time).value(); }

StatusReport full_report() {
  StatusReport report;
  report.version = "0.1.0";
  report.pid = 4711;
  report.owner = "0123abcd me@host";
  report.started = at("2026-01-31T12:00:00Z");
  report.store = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  report.environment = {{"KUBECONFIG", "/a:/b"}, {"PATH", "/usr/bin"}};
  report.logins = {{"ghcr.io", "me"}};
  report.targets = {{"web", "myregcred", {"ghcr.io"}, false, {}},
                    {"old", "x", {}, true, {Error(ErrorCode::unusable_login, "an identity token")}}};
  report.contexts = {{"dev", "https://dev:6443", true, std::nullopt},
                     {"prod", "https://prod:6443", false, Error(ErrorCode::unreachable, "refused", "start it")}};
  report.rows = {{"web", "dev", "team-a", "myregcred", SyncState::in_sync, std::nullopt, at("2026-01-31T12:00:01Z"),
                  at("2026-01-31T12:00:02Z"), std::nullopt},
                 {"web", "prod", "", "myregcred", SyncState::retrying, Error(ErrorCode::unreachable, "refused"),
                  at("2026-01-31T12:00:03Z"), std::nullopt, at("2026-01-31T12:00:33Z")}};
  return report;
}

TEST(ControlStatus, CrossesTheSocketWhole) {
  const json sent = to_json(full_report());
  EXPECT_EQ(to_json(report_from_json(json::parse(sent.dump()))), sent);

  const StatusReport back = report_from_json(sent);
  ASSERT_EQ(back.rows.size(), 2U);
  EXPECT_EQ(back.rows[1].name_space, "");
  EXPECT_EQ(back.rows[1].state, SyncState::retrying);
  EXPECT_EQ(back.rows[1].cause->code(), ErrorCode::unreachable);
  EXPECT_EQ(back.rows[1].next_try, at("2026-01-31T12:00:33Z"));
  EXPECT_EQ(back.store->remedy(), "unlock it");
  EXPECT_EQ(back.logins, full_report().logins);
  EXPECT_EQ(back.environment, full_report().environment);
}

TEST(ControlStatus, WhatToJsonNeverMakesIsAProtocolError) {
  const json good = to_json(full_report());
  const auto broken = [&](const char* pointer, const json& value) {
    json j = good;
    j[json::json_pointer(pointer)] = value;
    return j;
  };
  for (const json& bad :
       {json(), json::array(), json{{"version", "1"}}, broken("/rows/0/state", 5), broken("/rows/0/since", "yesterday"),
        broken("/started", "2026-02-30T12:00:00Z"), broken("/targets", "none"), broken("/pid", "x"),
        broken("/store/code", 5), broken("/rows/1/nextTry", 5)}) {
    try {
      report_from_json(bad);
      ADD_FAILURE() << "taken: " << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::protocol) << bad;
    }
  }
}

// The daemon of a newer version, before the command is updated too.
TEST(ControlStatus, CodesAndStatesOfANewerVersionCostOnlyThemselves) {
  json newer = to_json(full_report());
  newer["rows"][0]["state"] = "Rotating";
  newer["rows"][1]["cause"] = {{"code", "no_such_code"}, {"message", "what"}, {"remedy", "do"}};
  const json group = {{"target", "web"},
                      {"context", "dev"},
                      {"states", {{"InSync", 1}, {"Pending", 2}, {"Rotating", 3}}},
                      {"reasons", json::object()},
                      {"since", "2026-01-31T12:00:00Z"}};
  newer["groups"] = json::array({group});
  const StatusReport report = report_from_json(newer);
  EXPECT_EQ(report.rows.at(0).state, SyncState::pending);
  EXPECT_EQ(report.rows.at(1).state, SyncState::retrying);
  EXPECT_EQ(*report.rows.at(1).cause, Error(ErrorCode::internal, "what", "do"));
  EXPECT_EQ(report.groups.at(0).count(SyncState::pending), 5U);
  EXPECT_FALSE(report.all_in_sync());
}

TEST(ControlError, EveryCodeCrosses) {
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const Error sent(static_cast<ErrorCode>(i), "what", i % 2 == 0 ? "do" : "");
    const Error got = error_from_json(to_json(sent));
    EXPECT_EQ(got.code(), sent.code());
    EXPECT_EQ(got.message(), "what");
    EXPECT_EQ(got.remedy(), sent.remedy());
  }
}

TEST(ControlMessages, AreJsonRpcOneLineEach) {
  EXPECT_EQ(make_request(7, "sync", {{"target", "web"}}),
            "{\"id\":7,\"jsonrpc\":\"2.0\",\"method\":\"sync\",\"params\":{\"target\":\"web\"}}\n");
  EXPECT_EQ(make_response(7, json::object()), "{\"id\":7,\"jsonrpc\":\"2.0\",\"result\":{}}\n");
  EXPECT_EQ(make_notification("status", json::object()), "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"params\":{}}\n");

  const std::string line = make_error(nullptr, Error(ErrorCode::not_found, "two\nlines \xff", "retry"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const json error = json::parse(line)["error"];
  EXPECT_EQ(error["code"], -32000);
  EXPECT_EQ(error["message"], "two lines \xEF\xBF\xBD");  // what is no UTF-8 cannot break the line's JSON
  EXPECT_EQ(error["data"], (json{{"code", "not_found"}, {"remedy", "retry"}}));
}

TEST(AllInSync, IsFalseForAnyProblemAnywhere) {
  StatusReport report;
  EXPECT_TRUE(report.all_in_sync());
  report.rows.emplace_back().state = SyncState::in_sync;
  report.targets.emplace_back().name = "web";
  report.contexts.emplace_back().connected = true;
  EXPECT_TRUE(report.all_in_sync());

  StatusReport other = report;
  other.rows[0].state = SyncState::pending;
  EXPECT_FALSE(other.all_in_sync());
  other = report;
  other.targets[0].problems = {Error(ErrorCode::invalid_input, "bad file")};
  EXPECT_FALSE(other.all_in_sync());
  other = report;
  other.contexts[0].problem = Error(ErrorCode::unreachable, "refused");
  EXPECT_FALSE(other.all_in_sync());
  other = report;
  other.store = Error(ErrorCode::locked, "locked");
  EXPECT_FALSE(other.all_in_sync());
}

// Programs and people look codes up.
TEST(Messages, EveryErrorCodeIsInTheSchemaAndTheManual) {
  const std::filesystem::path cli = std::filesystem::path(REGSYNC_SOURCE_DIR) / "sync/cli";
  const json schema = json::parse(read_file(cli / "regsync-v1.schema.json", 1 << 20));
  const std::string manual = read_file(cli / "regsync.1", 1 << 20);
  json codes = json::array();
  for (int i = 0; i <= static_cast<int>(ErrorCode::internal); ++i) {
    const std::string code(to_string(static_cast<ErrorCode>(i)));
    codes.push_back(code);
    EXPECT_NE(manual.find(" Pq Li " + code + "\n"), std::string::npos) << code;
  }
  EXPECT_EQ(schema.at("$defs").at("error").at("properties").at("code").at("enum"), codes);
}

TEST(Messages, AQueryIsReadAsItWasWritten) {
  const StatusQuery query{
      .targets = {"web"}, .contexts = {"d*"}, .namespaces = {"team-a"}, .failing = true, .summary = true};
  const StatusQuery read = query_from_json(to_json(query));
  EXPECT_EQ(read.targets, query.targets);
  EXPECT_EQ(read.contexts, query.contexts);
  EXPECT_EQ(read.namespaces, query.namespaces);
  EXPECT_TRUE(read.failing);
  EXPECT_TRUE(read.summary);
  EXPECT_EQ(to_json(StatusQuery{}), json::object());
}

TEST(Messages, AQueryOfAnyShapeAsksForAllOrForWhatCanBeRead) {
  for (const json& odd : {json(nullptr), json(7), json::parse(R"({"targets":{"a":1},"summary":"yes"})"),
                          json::parse(R"({"targets":[1,null,["x"]],"contexts":"c"})")}) {
    const StatusQuery query = query_from_json(odd);
    EXPECT_TRUE(query.targets.empty()) << odd;
    EXPECT_TRUE(query.contexts.empty()) << odd;
    EXPECT_FALSE(query.summary) << odd;
  }
}

}  // namespace
}  // namespace regsync::control
