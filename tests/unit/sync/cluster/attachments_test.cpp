// The ServiceAccounts beside one Secret, over the HTTP seam.
#include "sync/cluster/attachments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sync/cluster/cluster_world.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Key key{"team", "cred"};

class AttachmentsTest : public testing::Test {
 protected:
  AttachmentsTest() {
    kube_.make_namespace("team");
    kube_.put(key_of("default"), json::object());
    kube_.put(key_of("builder"), {{"imagePullSecrets", {{{"name", "theirs"}}}}});
    SecretView ours;
    ours.ownership = Ownership::ours;
    cache_.observe(key, 1, ours);
    observe("default");
    observe("builder");
  }
  static test::FakeKube::Key key_of(const std::string& account) { return {"serviceaccounts", "team", account}; }
  // As a watch tells it.
  void observe(const std::string& account) {
    cache_.observe_account("team", account, view_service_account(kube_.find(key_of(account)).value()));
  }
  static Plan plan(std::vector<std::string> accounts) {
    Plan plan;
    plan.target = test::make_target();
    plan.target.service_accounts = std::move(accounts);
    return plan;
  }
  [[nodiscard]] Attachments::Handlers note() {
    return {.on_written =
                [this](Change::Kind kind, const std::string& account) {
                  written_.push_back((kind == Change::Kind::attached ? "+" : "-") + account);
                },
            .is_wanted = [this] { return written_.size() < most_; }};
  }
  // Answers the accounts that have to wait.
  std::vector<std::string> put_in_order(const Plan& plan) {
    const auto fight = test::run(loop_, attachments_.put_in_order(key, plan, note()));
    return fight ? fight->accounts : std::vector<std::string>();
  }
  ErrorCode failure_of(const Plan& plan) {
    try {
      put_in_order(plan);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  }
  void make(const std::string& account) {
    kube_.put(key_of(account), json::object());
    observe(account);
  }
  void take_entries_from(const std::string& account) {
    kube_.edit(key_of(account), [](json& object) { object.erase("imagePullSecrets"); });
    observe(account);
  }
  static std::string path_of(const std::string& account) {
    return "/api/v1/namespaces/team/serviceaccounts/" + account;
  }
  // To each write of this account.
  void answer_writes(const std::string& account, int status, std::string_view reason) {
    kube_.transport.answer("PATCH", path_of(account), status, test::FakeTransport::status_body(status, reason, "no"));
  }
  void lose_answers(const std::string& account, ErrorCode code) {
    kube_.transport.on("PATCH", path_of(account), [code](const kube::HttpRequest&) -> kube::HttpResponse {
      throw Error(code, "the network broke");
    });
  }
  void forget_answers(const std::string& account) { kube_.transport.forget_scripts("PATCH", path_of(account)); }
  [[nodiscard]] std::vector<std::string> names_in(const std::string& account) const {
    std::vector<std::string> names;
    const auto object = kube_.find(key_of(account)).value();
    for (const auto& entry : object.value("imagePullSecrets", json::array())) {
      names.push_back(entry.at("name"));
    }
    return names;
  }

  asio::io_context loop_;
  test::FakeKube kube_{loop_.get_executor()};
  ClusterCache cache_;
  kube::KubeClient client_{test::context_of_test(), kube_.transport.connect()};
  std::size_t most_ = SIZE_MAX;  // no more writes than this are wanted
  std::vector<std::string> written_;
  WatchTable table_;  // nothing is forbidden
  Attachments attachments_{client_, cache_, table_, test::owner_id};
};

TEST_F(AttachmentsTest, NamedAccountsGetTheSecretBesideWhatTheyHave) {
  const Plan both = plan({"default", "build*"});
  EXPECT_THAT(attachments_.missing(key, both), ElementsAre("builder", "default"));
  EXPECT_FALSE(attachments_.in_order(key, both));
  put_in_order(both);
  EXPECT_THAT(names_in("default"), ElementsAre("cred"));
  EXPECT_THAT(names_in("builder"), ElementsAre("theirs", "cred"));
  EXPECT_THAT(written_, ElementsAre("+builder", "+default"));
  EXPECT_TRUE(attachments_.in_order(key, both));
  kube_.forget_requests();
  put_in_order(both);
  EXPECT_THAT(kube_.requests(), IsEmpty());
}

TEST_F(AttachmentsTest, AnAccountWithMoreEntriesThanAnyPodNeedsIsToldAndLeftAlone) {
  kube_.edit(key_of("builder"), [](json& account) {
    account["imagePullSecrets"] = json::array();
    for (int i = 0; i <= 1000; ++i) {
      account["imagePullSecrets"].push_back({{"name", "n" + std::to_string(i)}});
    }
  });
  observe("builder");
  try {
    put_in_order(plan({"default", "builder"}));
    ADD_FAILURE() << "as if the Secret were attached";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::rejected);
    EXPECT_THAT(error.message(), HasSubstr("ServiceAccount team/builder has more than 1000 imagePullSecrets"));
  }
  EXPECT_THAT(written_, ElementsAre("+default")) << "its neighbour gets it";
  EXPECT_EQ(names_in("builder").size(), 1001U);
}

TEST_F(AttachmentsTest, OnlyWhatWeAttachedIsDetached) {
  put_in_order(plan({"default"}));
  kube_.edit(key_of("builder"), [](json& account) { account["imagePullSecrets"].push_back({{"name", "cred"}}); });
  observe("builder");
  const Plan none = plan({});
  EXPECT_THAT(attachments_.excess(key, &none), ElementsAre("default"));
  put_in_order(none);
  EXPECT_THAT(names_in("default"), IsEmpty());
  EXPECT_THAT(names_in("builder"), ElementsAre("theirs", "cred")) << "somebody else attached it";
  EXPECT_THAT(written_, ElementsAre("+default", "-default"));
}

// The watch is faster than the answer to a write of ours.
TEST_F(AttachmentsTest, AnAccountThatIsDeletedWhileAWriteOfItIsAnsweredIsGone) {
  const auto delete_after_write = [this] {
    kube_.transport.on("PATCH", "/api/v1/namespaces/team/serviceaccounts/default", [this](const auto& request) {
      auto answer = kube_.answer(request);
      kube_.erase(key_of("default"));
      cache_.observe_account("team", "default", std::nullopt);
      return answer;
    });
  };
  delete_after_write();
  put_in_order(plan({"default"}));
  EXPECT_THAT(written_, ElementsAre("+default"));
  EXPECT_EQ(cache_.find_account("team", "default"), nullptr);
  EXPECT_THAT(attachments_.missing(key, plan({"default"})), ElementsAre("default"));

  kube_.transport.forget_scripts("PATCH", "/api/v1/namespaces/team/serviceaccounts/default");
  kube_.put(key_of("default"), json::object());
  observe("default");
  put_in_order(plan({"default"}));
  delete_after_write();
  put_in_order(plan({}));
  EXPECT_THAT(written_, ElementsAre("+default", "+default", "-default"));
  EXPECT_EQ(cache_.find_account("team", "default"), nullptr);
}

TEST_F(AttachmentsTest, ASecretThatGoesIsDetachedEverywhere) {
  put_in_order(plan({"default", "builder"}));
  test::run(loop_, attachments_.detach_all(key, note()));
  EXPECT_THAT(names_in("default"), IsEmpty());
  EXPECT_THAT(names_in("builder"), ElementsAre("theirs"));
}

// A watch of it is forbidden then, so it is read by itself.
TEST_F(AttachmentsTest, AnAccountThatTheServerCannotDecodeHoldsUpOnlyATargetThatNamesIt) {
  Places places;
  places.service_accounts = {"default", "odd"};
  table_.places = std::make_shared<const Places>(places);
  const auto watch = std::make_shared<Watch>(WatchId{service_accounts_resource, "", "odd"});
  watch->state = Watch::Forbidden{Error(ErrorCode::server_error, "unable to decode")};
  table_.watches[watch->id] = watch;
  kube_.transport.answer("GET", path_of("odd"), 500,
                         test::FakeTransport::status_body(500, "StorageReadError", "failed to read one or more"));
  EXPECT_NO_THROW(put_in_order(plan({"default"})));
  EXPECT_THAT(names_in("default"), ElementsAre("cred"));
  EXPECT_EQ(failure_of(plan({"default", "odd"})), ErrorCode::server_error);
  EXPECT_EQ(test::run(loop_, attachments_.detach_all(key, note())), std::nullopt);
  EXPECT_THAT(names_in("default"), IsEmpty());
}

// Another regsync attached it; its Secret may have been deleted while that one is not running.
TEST_F(AttachmentsTest, WhatAnotherOwnerAttachedStaysWhileThereIsNoSecret) {
  Attachments of_another(client_, cache_, table_, "another");
  test::run(loop_, of_another.put_in_order(key, plan({"default"}), note()));
  put_in_order(plan({"builder", "default"}));
  cache_.observe(key, 2, std::nullopt);
  written_.clear();
  const Plan none = plan({});
  EXPECT_THAT(attachments_.excess(key, &none), ElementsAre("builder"));
  test::run(loop_, attachments_.detach_all(key, note()));
  EXPECT_THAT(written_, ElementsAre("-builder"));
  EXPECT_THAT(names_in("default"), ElementsAre("cred"));
}

TEST_F(AttachmentsTest, WithASecretOfOursGoWhateverRegsyncsAttachedIt) {
  Attachments of_another(client_, cache_, table_, "another");
  test::run(loop_, of_another.put_in_order(key, plan({"default"}), note()));
  test::run(loop_, attachments_.detach_all(key, note()));
  EXPECT_THAT(names_in("default"), IsEmpty());
}

TEST_F(AttachmentsTest, AnAccountThatIsMissingIsSaidAfterTheOthersAreDone) {
  const auto error = [&] {
    try {
      put_in_order(plan({"absent", "default"}));
    } catch (const Error& thrown) {
      return thrown;
    }
    return Error(ErrorCode::internal, "nothing was thrown");
  }();
  EXPECT_EQ(error.code(), ErrorCode::service_account_missing);
  EXPECT_THAT(error.message(), HasSubstr("absent"));
  EXPECT_THAT(names_in("default"), ElementsAre("cred"));
}

TEST_F(AttachmentsTest, AccountsOfSomebodyElsesSecretAreLeftAlone) {
  SecretView theirs;
  theirs.ownership = Ownership::unmanaged;
  cache_.observe(key, 2, theirs);
  EXPECT_TRUE(attachments_.in_order(key, plan({"default"})));
  put_in_order(plan({"default"}));
  EXPECT_THAT(names_in("default"), IsEmpty());
}

// --- accounts that come and go, and fights over them

TEST_F(AttachmentsTest, NewAccountsNeverWait) {
  for (int i = 0; i < 12; ++i) {
    const auto account = "app" + std::to_string(i);
    make(account);
    EXPECT_THAT(put_in_order(plan({"*"})), IsEmpty()) << account;
    EXPECT_THAT(names_in(account), ElementsAre("cred"));
  }
}

TEST_F(AttachmentsTest, AnAccountThatIsMadeAnewNeverWaits) {
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(put_in_order(plan({"default"})), IsEmpty()) << i;
    EXPECT_THAT(names_in("default"), ElementsAre("cred"));
    kube_.erase(key_of("default"));
    cache_.observe_account("team", "default", std::nullopt);
    make("default");
  }
}

TEST_F(AttachmentsTest, ATargetThatNamesAnAccountNowAndThenNeverWaits) {
  for (int i = 0; i < 12; ++i) {
    EXPECT_THAT(put_in_order(plan({"default"})), IsEmpty()) << i;
    EXPECT_THAT(put_in_order(plan({})), IsEmpty()) << i;
  }
  EXPECT_EQ(written_.size(), 24U);
}

TEST_F(AttachmentsTest, OnlyTheAccountThatLosesItAgainAndAgainWaits) {
  std::vector<std::string> waiting;
  for (int i = 0; i < 8 && waiting.empty(); ++i) {
    take_entries_from("default");
    waiting = put_in_order(plan({"*"}));
  }
  EXPECT_THAT(waiting, ElementsAre("default"));
  EXPECT_THAT(names_in("default"), IsEmpty());
  make("app");
  EXPECT_THAT(put_in_order(plan({"*"})), ElementsAre("default"));
  EXPECT_THAT(names_in("app"), ElementsAre("cred"));
  EXPECT_FALSE(attachments_.in_order(key, plan({"*"})));
}

TEST_F(AttachmentsTest, AnAccountThatRegainsItAgainAndAgainWaits) {
  put_in_order(plan({"default"}));
  const json attached = kube_.find(key_of("default")).value();
  std::vector<std::string> waiting;
  for (int i = 0; i < 8 && waiting.empty(); ++i) {
    kube_.edit(key_of("default"), [&](json& account) { account = attached; });
    observe("default");
    waiting = put_in_order(plan({}));
  }
  EXPECT_THAT(waiting, ElementsAre("default"));
}

// --- accounts that fail

TEST_F(AttachmentsTest, AnAccountThatCannotBeWrittenKeepsNoOtherOne) {
  for (const auto& [status, reason, code] :
       {std::tuple(500, "InternalError", ErrorCode::server_error), std::tuple(409, "Conflict", ErrorCode::rejected),
        std::tuple(422, "Invalid", ErrorCode::rejected)}) {
    answer_writes("builder", status, reason);
    EXPECT_EQ(failure_of(plan({"builder", "default"})), code);
    EXPECT_THAT(names_in("default"), ElementsAre("cred")) << status;
    take_entries_from("default");
    forget_answers("builder");
  }
}

TEST_F(AttachmentsTest, AnAccountThatTimesOutKeepsNoOtherOneUnlessTheServerDoes) {
  lose_answers("builder", ErrorCode::timeout);
  EXPECT_EQ(failure_of(plan({"builder", "default"})), ErrorCode::timeout);
  EXPECT_THAT(names_in("default"), ElementsAre("cred"));
  take_entries_from("default");
  make("another");
  lose_answers("another", ErrorCode::timeout);
  EXPECT_EQ(failure_of(plan({"another", "builder", "default"})), ErrorCode::timeout);
  EXPECT_THAT(names_in("default"), IsEmpty());
}

TEST_F(AttachmentsTest, OfTwoFailuresTheOneThatPassesIsTold) {
  make("another");
  answer_writes("another", 422, "Invalid");
  answer_writes("builder", 500, "InternalError");
  EXPECT_EQ(failure_of(plan({"another", "builder", "default"})), ErrorCode::server_error);
}

TEST_F(AttachmentsTest, OfAServerThatCannotBeReachedNoFurtherAccountIsAskedFor) {
  lose_answers("builder", ErrorCode::unreachable);
  EXPECT_EQ(failure_of(plan({"builder", "default"})), ErrorCode::unreachable);
  EXPECT_THAT(names_in("default"), IsEmpty());
}

TEST_F(AttachmentsTest, AnAccountThatCannotBeDetachedKeepsNoOtherOne) {
  put_in_order(plan({"builder"}));
  answer_writes("builder", 422, "Invalid");
  EXPECT_EQ(failure_of(plan({"default"})), ErrorCode::rejected);
  EXPECT_THAT(names_in("default"), ElementsAre("cred"));
  const auto failure = test::run(loop_, attachments_.detach_all(key, note()));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), ErrorCode::rejected);
  EXPECT_THAT(names_in("default"), IsEmpty());
}

TEST_F(AttachmentsTest, WhatIsNotWantedAnyMoreEndsBeforeTheNextAccount) {
  most_ = 1;
  put_in_order(plan({"default", "builder"}));
  EXPECT_EQ(written_.size(), 1U);
  most_ = SIZE_MAX;
  put_in_order(plan({"default", "builder"}));
  written_.clear();
  most_ = 1;
  test::run(loop_, attachments_.detach_all(key, note()));
  EXPECT_EQ(written_.size(), 1U);
}

}  // namespace
}  // namespace regsync
