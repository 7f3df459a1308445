// What a command reads of a cluster, with full rights and with the least.
#include "sync/cli/ask/snapshot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;
using test::ApiRequest;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    for (const char* name : {"a", "b", "c"}) {
      kube_.make_namespace(name, {{"env", name}});
    }
    put_secret("a", "cred");
    put_secret("b", "cred");
    put_secret("b", "other");
  }
  void put_secret(const std::string& name_space, const std::string& name) {
    kube_.put({"secrets", name_space, name}, test::foreign_secret());
  }
  void put_account(const std::string& name_space, const std::string& name) {
    kube_.put({"serviceaccounts", name_space, name}, json::object());
  }
  // What may be listed in one namespace, and read there, may not be listed in all.
  void forbid_wide(const std::string& resource) {
    kube_.forbids = [resource](const ApiRequest& request) {
      return request.key.resource == resource && request.verb == "list" && request.key.name_space.empty();
    };
  }

  static Places places(const std::set<std::string>& namespaces, const std::set<std::string>& accounts = {}) {
    Places made;
    made.secrets["cred"] = {.any = namespaces.empty(), .namespaces = namespaces};
    made.service_accounts = accounts;
    return made;
  }
  static std::set<std::string> many() {
    std::set<std::string> names{"a", "b"};
    for (int i = 0; i < 40; ++i) {
      names.insert("n" + std::to_string(i));
    }
    return names;
  }

  Snapshot read(const Places& places) { return test::run(loop_, read_snapshot(client_, places)); }
  Snapshot read_with_accounts(const Places& places) {
    Snapshot snapshot = read(places);
    test::run(loop_, read_accounts(client_, places, snapshot));
    return snapshot;
  }
  static std::vector<Key> secrets_of(const Snapshot& snapshot) {
    std::vector<Key> keys;
    for (const auto& [key, secret] : snapshot.secrets) {
      keys.push_back(key);
    }
    return keys;
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  kube::KubeClient client_{test::context_of_test(), kube_.transport.connect()};
};

TEST_F(SnapshotTest, HoldsTheSecretsOfTheNameInEveryNamespace) {
  const Snapshot snapshot = read(places({}));
  EXPECT_THAT(secrets_of(snapshot), ElementsAre(Key{"a", "cred"}, Key{"b", "cred"}));
  EXPECT_TRUE(snapshot.namespaces_complete);
  EXPECT_EQ(snapshot.find_namespace("b")->labels, (Labels{{"env", "b"}}));
  EXPECT_EQ(snapshot.find_namespace("nowhere"), nullptr);
  EXPECT_EQ(snapshot.secrets.at({"a", "cred"}).at("kind"), "Secret") << "as a single read answers it";
  EXPECT_THAT(keys_of(snapshot, places({})), SizeIs(snapshot.namespaces.size())) << "it may be in each";
}

TEST_F(SnapshotTest, PlainNamesNeedNoRightToListNamespaces) {
  forbid_wide("namespaces");
  const Snapshot snapshot = read(places({"b", "missing"}));
  EXPECT_THAT(secrets_of(snapshot), ElementsAre(Key{"b", "cred"}));
  EXPECT_FALSE(snapshot.namespaces_complete);
  EXPECT_THAT(keys_of(snapshot, places({"b", "missing"})), ElementsAre(Key{"b", "cred"}, Key{"missing", "cred"}));
  EXPECT_EQ(test::error_of(loop_, read_snapshot(client_, places({}))).code(), ErrorCode::forbidden);
}

TEST_F(SnapshotTest, ManyPlainNamesAreListedAtOnceOrElseReadOneByOne) {
  EXPECT_THAT(secrets_of(read(places(many()))), ElementsAre(Key{"a", "cred"}, Key{"b", "cred"}));
  EXPECT_EQ(kube_.count("get", "secrets"), 0U);
  forbid_wide("secrets");
  EXPECT_THAT(secrets_of(read(places(many()))), ElementsAre(Key{"a", "cred"}, Key{"b", "cred"}));
  EXPECT_EQ(test::error_of(loop_, read_snapshot(client_, places({}))).code(), ErrorCode::forbidden)
      << "a pattern needs the list";
}

TEST_F(SnapshotTest, WhereASecretCannotBeDecodedPlainNamesAreReadOneByOne) {
  kube_.transport.answer("GET", "/api/v1/secrets?", 500,
                         test::FakeTransport::status_body(500, "StorageReadError", "failed to read one or more"));
  EXPECT_THAT(secrets_of(read(places(many()))), ElementsAre(Key{"a", "cred"}, Key{"b", "cred"}));
  EXPECT_EQ(test::error_of(loop_, read_snapshot(client_, places({}))).code(), ErrorCode::server_error)
      << "a pattern needs the list";
}

TEST_F(SnapshotTest, EveryPageOfALongListIsRead) {
  json page{{"metadata", {{"continue", "more"}}}, {"items", {{{"metadata", {{"name", "first"}}}}}}};
  kube_.transport.on("GET", "/api/v1/namespaces?", [&page](const kube::HttpRequest& request) {
    if (request.target.find("continue=more") != std::string::npos) {
      page = {{"items", {{{"metadata", {{"name", "last"}}}}}}};
    }
    return test::FakeTransport::respond(200, page.dump());
  });
  EXPECT_THAT(test::run(loop_, namespace_names(client_)), ElementsAre("first", "last"));
}

TEST_F(SnapshotTest, WhatCannotBeWhatWasAskedForIsDropped) {
  kube_.transport.answer("GET", "/api/v1/secrets?", 200,
                         {{"items",
                           {{{"metadata", {{"namespace", "a"}, {"name", "cred"}}}},
                            {{"metadata", {{"namespace", "a"}, {"name", "unasked"}}}},
                            {{"metadata", {{"namespace", "../b"}, {"name", "cred"}}}},
                            {{"metadata", 7}}}}});
  EXPECT_THAT(secrets_of(read(places({}))), ElementsAre(Key{"a", "cred"}));
}

// As regsyncd has it (view_namespace), so that both say the same of a selector.
TEST_F(SnapshotTest, NamespacesAreThoseThatRegsyncdKnows) {
  const auto of = [](const char* name, const json& metadata) {
    json made{{"metadata", metadata}};
    made["metadata"]["name"] = name;
    return made;
  };
  kube_.transport.answer("GET", "/api/v1/namespaces?", 200,
                         {{"items",
                           {of("plain", {{"labels", {{"kubernetes.io/metadata.name", "plain"}, {"a", "b"}}}}),
                            of("ending", {{"deletionTimestamp", "2026-01-31T12:00:00Z"}}),
                            of("stays", {{"deletionTimestamp", nullptr}}), of("odd", {{"labels", "env=prod"}}),
                            of("half", {{"labels", {{"a", "b"}, {"env", 1}}}}), of("Not A Name", json::object())}}});
  const auto namespaces = test::run(loop_, read_namespaces(client_));
  ASSERT_THAT(test::run(loop_, namespace_names(client_)), ElementsAre("ending", "plain", "stays"));
  EXPECT_EQ(namespaces.at("plain").labels, (Labels{{"a", "b"}}));
  EXPECT_TRUE(namespaces.at("ending").terminating);
  EXPECT_FALSE(namespaces.at("stays").terminating);
}

TEST_F(SnapshotTest, AccountsAreReadWhereTheyMatter) {
  put_account("a", "default");
  put_account("b", "default");
  put_account("b", "builder");
  EXPECT_THAT(read_with_accounts(places({})).accounts, IsEmpty());
  const Snapshot one = read_with_accounts(places({"b"}, {"default"}));
  EXPECT_THAT(one.accounts, SizeIs(1));
  EXPECT_THAT(one.accounts.at("b"), SizeIs(1));
  const Snapshot all = read_with_accounts(places({}, {"build*"}));
  EXPECT_THAT(all.accounts.at("b"), SizeIs(2)) << "a pattern needs all names";
  EXPECT_THAT(all.accounts, SizeIs(2));
}

TEST_F(SnapshotTest, AccountsThatMayNotBeListedAreHidden) {
  put_account("a", "default");
  kube_.forbids = [](const ApiRequest& request) {
    return request.key.resource == "serviceaccounts" && request.key.name_space != "a";
  };
  const Snapshot plain = read_with_accounts(places({"a", "b"}, {"default"}));
  EXPECT_THAT(plain.accounts.at("a"), SizeIs(1));
  EXPECT_EQ(plain.find_hidden("a", "default"), nullptr);
  ASSERT_NE(plain.find_hidden("b", "default"), nullptr);
  EXPECT_EQ(plain.find_hidden("b", "default")->code(), ErrorCode::forbidden);

  const Snapshot any = read_with_accounts(places({}, {"*"}));
  EXPECT_NE(any.find_hidden("c", "*"), nullptr);
  EXPECT_THAT(any.accounts, IsEmpty());
}

TEST_F(SnapshotTest, WhereNotAllAccountsMayBeListedThoseOfANameAre) {
  put_account("a", "default");
  put_account("b", "default");
  kube_.forbids = [](const ApiRequest& request) {
    return request.key.resource == "serviceaccounts" && request.key.name_space != "b" &&
           request.parameter("fieldSelector").empty();
  };
  const Snapshot snapshot = read_with_accounts(places({"a", "b"}, {"default", "*"}));
  EXPECT_THAT(snapshot.accounts.at("a"), SizeIs(1));
  EXPECT_EQ(snapshot.find_hidden("a", "default"), nullptr);
  EXPECT_NE(snapshot.find_hidden("a", "*"), nullptr);
  EXPECT_EQ(snapshot.find_hidden("b", "*"), nullptr);
}

TEST_F(SnapshotTest, AClusterThatFailsIsAnError) {
  kube_.transport.answer("GET", "/api/v1/serviceaccounts", 500,
                         test::FakeTransport::status_body(500, "InternalError", "etcd is gone"));
  Snapshot snapshot;
  const Places wanted = places({}, {"default"});
  EXPECT_EQ(test::error_of(loop_, read_accounts(client_, wanted, snapshot)).code(), ErrorCode::server_error);
}

}  // namespace
}  // namespace regsync::cli
