#include "helper/protocol/helper_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/support/memory_store.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class HelperProtocol : public testing::Test {
 protected:
  struct Answer {
    int exit_code;
    std::string out;
    bool operator==(const Answer&) const = default;
  };

  Answer run(const std::string& action, const std::string& input = {}) {
    std::istringstream in(input);
    std::ostringstream out;
    const int exit_code = run_helper(action, in, out, store_);
    return {exit_code, out.str()};
  }

  Answer store(const std::string& server, const std::string& username, const std::string& secret) {
    return run("store", json{{"ServerURL", server}, {"Username", username}, {"Secret", secret}}.dump());
  }

  static Answer silent() { return {0, ""}; }
  static Answer not_found() { return {1, "credentials not found in native keychain\n"}; }

  test::MemoryStore store_;
};

TEST_F(HelperProtocol, AnswersOneJsonDocumentWithTheKeysThatClientsMatch) {
  ASSERT_EQ(store("ghcr.io", "alice", "s3cret"), silent());
  EXPECT_EQ(run("get", "ghcr.io"), (Answer{0, R"({"ServerURL":"ghcr.io","Username":"alice","Secret":"s3cret"})"
                                              "\n"}));
}

TEST_F(HelperProtocol, TrimsTheServerUrl) {
  ASSERT_EQ(store("ghcr.io", "alice", "s3cret"), silent());
  EXPECT_EQ(run("get", " ghcr.io\r\n").exit_code, 0);
  EXPECT_EQ(run("erase", "ghcr.io\n"), silent());
  EXPECT_EQ(run("get", "ghcr.io"), not_found());
}

TEST_F(HelperProtocol, TrimsTheServerUrlOfALoginToo) {
  EXPECT_EQ(store(" \n", "alice", "s3cret"), (Answer{1, "no credentials server URL\n"}));
  ASSERT_EQ(store(" ghcr.io\n", "alice", "s3cret"), silent());
  EXPECT_EQ(run("list").out, "{\"ghcr.io\":\"alice\"}\n");
}

TEST_F(HelperProtocol, AnswersTheServerUrlThatWasAskedFor) {
  ASSERT_EQ(store("https://index.docker.io/v1/", "alice", "s3cret"), silent());
  EXPECT_EQ(json::parse(run("get", "docker.io").out)["ServerURL"], "docker.io");
}

TEST_F(HelperProtocol, APathBelowARegistryIsNotTheRegistry) {
  ASSERT_EQ(store("ghcr.io", "alice", "s3cret"), silent());
  EXPECT_EQ(run("get", "ghcr.io/team/app"), not_found());
}

TEST_F(HelperProtocol, ErasingWhatIsNotThereSucceeds) { EXPECT_EQ(run("erase", "ghcr.io"), silent()); }

TEST_F(HelperProtocol, ListsServersWithUserNames) {
  EXPECT_EQ(run("list"), (Answer{0, "{}\n"}));
  store("ghcr.io", "alice", "s3cret");
  store("https://index.docker.io/v1/", "bob", "s3cret");
  EXPECT_EQ(run("list"), (Answer{0, R"({"ghcr.io":"alice","https://index.docker.io/v1/":"bob"})"
                                    "\n"}));
}

TEST_F(HelperProtocol, ListLeavesItsInputUnread) {
  std::istringstream in("unused");
  std::ostringstream out;
  EXPECT_EQ(run_helper("list", in, out, store_), 0);
  EXPECT_EQ(in.tellg(), 0);
}

TEST_F(HelperProtocol, MissingPartsHaveTheReferencesTexts) {
  EXPECT_EQ(store("", "alice", "s3cret"), (Answer{1, "no credentials server URL\n"}));
  EXPECT_EQ(store("ghcr.io", "", "s3cret"), (Answer{1, "no credentials username\n"}));
  EXPECT_EQ(run("store", "{}"), (Answer{1, "no credentials server URL\n"}));
  EXPECT_EQ(run("get", " \n"), (Answer{1, "no credentials server URL\n"}));
  EXPECT_EQ(run("erase"), (Answer{1, "no credentials server URL\n"}));
}

TEST_F(HelperProtocol, TakesHtmlEscapesAsGoClientsSendThem) {
  ASSERT_EQ(run("store", R"({"ServerURL":"ghcr.io","Username":"\u003ctoken\u003e","Secret":"a\u0026b\u003c"})"),
            silent());
  const json answer = json::parse(run("get", "ghcr.io").out);
  EXPECT_EQ(answer["Username"], "<token>");
  EXPECT_EQ(answer["Secret"], "a&b<");
}

TEST_F(HelperProtocol, TakesNamesInAnyCaseAsTheReferenceDoes) {
  EXPECT_EQ(run("store", R"({"serverURL":"ghcr.io","username":"a","secret":"b"})"), silent());
  EXPECT_THAT(run("get", "ghcr.io").out, HasSubstr(R"("Username":"a","Secret":"b")"));
}

TEST_F(HelperProtocol, NullIsWhatIsMissing) {
  EXPECT_EQ(run("store", R"({"ServerURL":null,"Username":"a","Secret":"b"})"),
            (Answer{1, "no credentials server URL\n"}));
  EXPECT_EQ(run("store", R"({"ServerURL":"ghcr.io","Username":null,"Secret":"b"})"),
            (Answer{1, "no credentials username\n"}));
}

TEST_F(HelperProtocol, KeepsSecretsByteForByte) {
  for (const std::string& secret : {std::string("two\nlines\r\n"), std::string("\t \x01\x7f"),
                                    std::string("päß-密码-🔑"), std::string("\"\\/"), std::string(1000 * 1000, 'x')}) {
    ASSERT_EQ(store("ghcr.io", "alice", secret), silent());
    EXPECT_EQ(json::parse(run("get", "ghcr.io").out)["Secret"], secret);
  }
}

TEST_F(HelperProtocol, RefusesASecretThatAKeyringCannotKeep) {
  const Answer nul = store("ghcr.io", "alice", std::string("a\0b", 3));
  EXPECT_EQ(nul.exit_code, 1);
  EXPECT_THAT(nul.out, HasSubstr("NUL"));
  const Answer empty = store("ghcr.io", "alice", "");
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_THAT(empty.out, HasSubstr("secret (password or token) is empty"));
  EXPECT_EQ(run("store", R"({"ServerURL":"ghcr.io","Username":"alice"})").exit_code, 1);
  EXPECT_EQ(run("get", "ghcr.io"), not_found());
}

TEST_F(HelperProtocol, RefusesAServerUrlWithNulOrBrokenUtf8) {
  EXPECT_THAT(run("get", std::string("ghcr.io\0x", 9)).out, HasSubstr("NUL"));
  EXPECT_THAT(run("erase", "\xff\xfe").out, HasSubstr("UTF-8"));
}

TEST_F(HelperProtocol, RefusesWhatIsNotACredentialWithoutQuotingIt) {
  using namespace std::string_view_literals;
  for (const std::string_view input : {R"({"ServerURL":"ghcr.io","Username":"alice","Secret":"canary)", "canary", "",
                                       R"(["canary"])", R"({"ServerURL":["canary"]})", R"({"Secret":"canary"} canary)",
                                       "{\"Secret\":\"canary\xff\"}", R"({"Secret":"canary","n":1e999})"}) {
    const Answer answer = run("store", std::string(input));
    EXPECT_EQ(answer.exit_code, 1) << input;
    EXPECT_THAT(answer.out, testing::AllOf(Not(HasSubstr("canary")), Not(HasSubstr("exception"))));
  }
}

TEST_F(HelperProtocol, TakesUpToOneMebibyteAndNotMore) {
  const std::string frame = json{{"ServerURL", "ghcr.io"}, {"Username", "alice"}, {"Secret", ""}}.dump();
  const std::size_t room = max_helper_input - frame.size();
  EXPECT_EQ(store("ghcr.io", "alice", std::string(room, 'x')), silent());
  EXPECT_EQ(store("ghcr.io", "alice", std::string(room + 1, 'y')), (Answer{1, "the input is larger than 1 MiB\n"}));
  EXPECT_EQ(json::parse(run("get", "ghcr.io").out)["Secret"].get<std::string>().front(), 'x');
}

TEST_F(HelperProtocol, ALockedStoreIsAnErrorAndNeverNotFound) {
  store_.problem = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  for (const char* action : {"get", "erase", "list"}) {
    EXPECT_EQ(run(action, "ghcr.io"), (Answer{1, "the keyring is locked; unlock it\n"})) << action;
  }
  EXPECT_EQ(store("ghcr.io", "alice", "s3cret").exit_code, 1);
}

TEST_F(HelperProtocol, SaysItsVersionAndHowToUseIt) {
  EXPECT_THAT(run("version").out, testing::StartsWith("docker-credential-regsync "));
  EXPECT_EQ(run("version"), run("--version"));
  EXPECT_EQ(run("--help").exit_code, 0);
  const Answer unknown = run("gte");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.out, testing::AllOf(HasSubstr("gte"), HasSubstr("Usage:")));
}

TEST_F(HelperProtocol, AnOutputThatFailsIsAnError) {
  std::istringstream in("ghcr.io");
  std::ostringstream out;
  store("ghcr.io", "alice", "s3cret");
  out.setstate(std::ios::badbit);
  EXPECT_EQ(run_helper("get", in, out, store_), 1);
}

}  // namespace
}  // namespace regsync
