#include "sync/logins/login_places.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

const RegistryKey ghcr("ghcr.io");
const RegistryKey quay("quay.io");

// A store of one provider, as a test sets it up.
struct World {
  std::string program = "gnome-keyring-daemon";
  std::vector<StoreCollection> collections{{"/login", "Login", false, true}, {"/work", "Work", false, false}};
  std::vector<std::pair<std::string, std::string>> logins{{"ghcr.io", "/login"}, {"quay.io", "/work"}};
  std::chrono::seconds changed{1000};

  void create_at(const std::string& path, std::chrono::seconds time) {
    std::ranges::find(collections, path, &StoreCollection::path)->created = std::chrono::sys_seconds(time);
  }
  [[nodiscard]] StoreReading read() const {
    StoreReading reading;
    reading.asked = {ghcr, quay};
    reading.provider = StoreProvider{program, 1, ":1.1"};
    reading.collections = collections;
    for (const auto& [server, collection] : logins) {
      reading.all.push_back({{server, "jdoe"}, collection, std::chrono::sys_seconds(changed)});
    }
    return reading;
  }
};

class LoginPlacesTest : public testing::Test {
 protected:
  LoginPlaces::Verdict judge() { return places_.judge(world_.read(), now_); }
  LoginPlaces::Verdict judge_twice() {
    judge();
    now_ += 3s;
    return judge();
  }
  void log_out(const std::string& server) {
    std::erase_if(world_.logins, [&](const auto& login) { return login.first == server; });
  }

  World world_;
  LoginPlaces places_{{}, 3s};
  LoginPlaces::Clock::time_point now_{1000s};
};

TEST_F(LoginPlacesTest, ALoginIsGoneWhenTwoReadingsSecondsApartLackIt) {
  judge();
  log_out("ghcr.io");
  const auto first = judge();
  EXPECT_TRUE(first.gone.empty());
  EXPECT_TRUE(first.unknown.contains(ghcr));
  EXPECT_EQ(first.recheck, now_ + 3s);
  now_ += 2s;
  EXPECT_TRUE(judge().gone.empty());
  now_ += 1s;
  const auto second = judge();
  EXPECT_EQ(second.gone, std::set{ghcr});
  EXPECT_TRUE(second.unknown.empty());
}

TEST_F(LoginPlacesTest, AReadingOfChangesAloneProvesNoAbsence) {
  const auto judge_changes = [this] {
    StoreReading changes = world_.read();
    changes.only_changes = true;
    return places_.judge(changes, now_);
  };
  judge();
  log_out("ghcr.io");
  judge();
  now_ += 3s;
  const auto by_changes = judge_changes();
  EXPECT_TRUE(by_changes.gone.empty());
  EXPECT_TRUE(by_changes.unknown.contains(ghcr));
  EXPECT_TRUE(by_changes.recheck) << "a reading of everything is to tell";
  EXPECT_EQ(judge().gone, std::set{ghcr});
  EXPECT_EQ(judge_changes().gone, std::set{ghcr}) << "what is proved stays so";
}

TEST_F(LoginPlacesTest, ALoginThatCameBackMeanwhileIsNotGone) {
  judge();
  const auto logins = world_.logins;
  log_out("ghcr.io");
  judge();
  world_.logins = logins;
  now_ += 3s;
  judge();
  log_out("ghcr.io");
  EXPECT_TRUE(judge().gone.empty());
}

TEST_F(LoginPlacesTest, ALoginThatNobodyEverSawIsNeitherGoneNorUnknown) {
  world_.logins.clear();
  const auto verdict = judge_twice();
  EXPECT_TRUE(verdict.gone.empty());
  EXPECT_TRUE(verdict.unknown.empty());
}

TEST_F(LoginPlacesTest, ALockedCollectionKeepsAll) {
  judge();
  log_out("ghcr.io");
  log_out("quay.io");
  world_.collections[1].locked = true;
  const auto verdict = judge_twice();
  EXPECT_TRUE(verdict.gone.empty());
  EXPECT_TRUE(verdict.unknown.contains(ghcr));
  ASSERT_TRUE(verdict.unknown.contains(quay));
  EXPECT_NE(verdict.unknown.at(quay).message().find("\"Work\" of gnome-keyring-daemon is locked"), std::string::npos)
      << verdict.unknown.at(quay).message();
}

TEST_F(LoginPlacesTest, ACollectionThatIsNotThereKeepsTheLoginsThatItHeld) {
  judge();
  log_out("ghcr.io");
  log_out("quay.io");
  world_.collections.pop_back();
  const auto verdict = judge_twice();
  EXPECT_EQ(verdict.gone, std::set{ghcr}) << "which it never held";
  EXPECT_NE(verdict.unknown.at(quay).message().find("is not open"), std::string::npos);
}

TEST_F(LoginPlacesTest, ALoginThatTwoCollectionsHaveIsKeptByTheOneThatIsNotThere) {
  world_.logins = {{"quay.io", "/login"}, {"quay.io", "/work"}};
  judge();
  world_.collections.pop_back();
  world_.logins = {{"quay.io", "/login"}};
  judge();
  log_out("quay.io");
  EXPECT_TRUE(judge_twice().unknown.contains(quay));
}

TEST_F(LoginPlacesTest, AKeyringThatWasMadeAnewIsNotTheOneThatHeldTheLogin) {
  world_.create_at("/login", 500s);
  judge();
  log_out("ghcr.io");
  world_.create_at("/login", 2000s);
  const auto verdict = judge_twice();
  EXPECT_TRUE(verdict.gone.empty());
  ASSERT_TRUE(verdict.unknown.contains(ghcr));
  EXPECT_NE(verdict.unknown.at(ghcr).message().find("\"Login\" of gnome-keyring-daemon was made anew since"),
            std::string::npos)
      << verdict.unknown.at(ghcr).message();
  EXPECT_NE(verdict.unknown.at(ghcr).remedy().find("log in again"), std::string::npos);
}

TEST_F(LoginPlacesTest, ALoginOfAKeyringThatWasMadeAnewIsGoneOnceItWasWrittenThereAndDeleted) {
  for (const char* home : {"/login", "/work"}) {
    LoginPlaces places({}, 3s);
    world_ = World();
    world_.logins = {{"ghcr.io", home}};
    world_.create_at(home, 500s);
    places.judge(world_.read(), now_);
    world_.create_at(home, 2000s);
    world_.changed = 2060s;
    EXPECT_TRUE(places.judge(world_.read(), now_).unknown.empty()) << home;
    log_out("ghcr.io");
    places.judge(world_.read(), now_);
    EXPECT_TRUE(places.judge(world_.read(), now_ + 3s).gone.contains(ghcr)) << home;
  }
}

TEST_F(LoginPlacesTest, AKeyringIsKnownToBeAnewAfterARestart) {
  const test::TempDir root;
  const auto file = root.path() / "logins.json";
  world_.create_at("/login", 500s);
  LoginPlaces(file).judge(world_.read(), now_);
  log_out("ghcr.io");
  const auto is_gone = [&] {
    LoginPlaces after(file);
    after.judge(world_.read(), now_);
    return after.judge(world_.read(), now_ + 3s).gone.contains(ghcr);
  };
  EXPECT_TRUE(is_gone()) << "the keyring is the same";
  world_.create_at("/login", 2000s);
  EXPECT_FALSE(is_gone());
  world_.create_at("/login", 0s);
  EXPECT_TRUE(is_gone()) << "its provider does not say";
}

// As oo7 tells: its own start, or the last write.
TEST_F(LoginPlacesTest, ACollectionWhoseTimeMovesWithEachWriteIsTheSame) {
  world_.create_at("/login", 1000s);
  judge();
  log_out("ghcr.io");
  world_.create_at("/login", 2000s);
  EXPECT_TRUE(judge_twice().gone.contains(ghcr));
}

// The keyring was deleted. Nothing but a new login can say that what it held does not matter any more.
TEST_F(LoginPlacesTest, AnAbsentCollectionCountsUntilTheLoginIsWrittenElsewhere) {
  world_.logins = {{"quay.io", "/login"}, {"quay.io", "/work"}};
  judge();
  world_.collections.pop_back();
  log_out("quay.io");
  EXPECT_TRUE(judge_twice().unknown.contains(quay));
  world_.logins = {{"quay.io", "/login"}};
  judge();
  log_out("quay.io");
  EXPECT_TRUE(judge_twice().unknown.contains(quay)) << "as it was, it shows again";
  world_.changed += 60s;
  world_.logins = {{"quay.io", "/login"}};
  judge();
  log_out("quay.io");
  EXPECT_TRUE(judge_twice().gone.contains(quay));
}

TEST_F(LoginPlacesTest, ALoginThatMovedFromACollectionThatIsThereIsNotInItAnyMore) {
  judge();
  world_.logins = {{"quay.io", "/login"}};
  judge();
  world_.collections.pop_back();
  log_out("quay.io");
  EXPECT_TRUE(judge_twice().gone.contains(quay));
}

TEST_F(LoginPlacesTest, ALoginElsewhereDoesNotCountWhileTheDefaultKeyringIsLocked) {
  const test::TempDir root;
  LoginPlaces(root.path() / "places.json").judge(world_.read(), now_);
  LoginPlaces places(root.path() / "places.json");
  world_.logins = {{"ghcr.io", "/work"}};
  world_.collections[0].locked = true;
  for (const auto& problem : {std::optional(Error(ErrorCode::locked, "locked")), std::optional<Error>()}) {
    StoreReading reading = world_.read();
    reading.problem = problem;
    const auto verdict = places.judge(reading, now_);
    ASSERT_TRUE(verdict.unknown.contains(ghcr));
    EXPECT_NE(verdict.unknown.at(ghcr).message().find("was in the keyring \"Login\""), std::string::npos)
        << verdict.unknown.at(ghcr).message();
  }
  world_.collections[0].locked = false;
  EXPECT_FALSE(places.judge(world_.read(), now_).unknown.contains(ghcr)) << "it is not there any more";
}

TEST_F(LoginPlacesTest, ALoginOfTheDefaultKeyringOrOfAFileCountsWhateverElseIsHidden) {
  judge();
  world_.collections[1].locked = true;
  world_.logins = {{"quay.io", "/login"}};
  EXPECT_FALSE(judge().unknown.contains(quay));
  world_.collections[0].locked = true;
  world_.collections.push_back(
      {.path = "/a.json", .label = "/a.json", .locked = false, .is_default = false, .is_file = true});
  world_.logins = {{"quay.io", "/a.json"}};
  EXPECT_FALSE(judge().unknown.contains(quay));
  world_.collections.back().locked = true;
  world_.logins = {{"quay.io", "/login"}};
  EXPECT_TRUE(judge().unknown.contains(quay)) << "a file counts more than the default keyring";
}

TEST_F(LoginPlacesTest, AnotherProviderKnowsNothingOfTheLoginsOfTheFirst) {
  judge();
  world_.program = "keepassxc";
  world_.logins.clear();
  const auto verdict = judge_twice();
  EXPECT_TRUE(verdict.gone.empty());
  EXPECT_EQ(verdict.unknown.size(), 2U);
  EXPECT_NE(verdict.unknown.at(ghcr).message().find("now keepassxc answers"), std::string::npos);
}

TEST_F(LoginPlacesTest, ALockedCollectionThatNeverHeldOneMayHoldItNow) {
  judge();
  log_out("ghcr.io");
  world_.collections.push_back({"/other", "Other", true, false});
  EXPECT_TRUE(judge_twice().gone.empty());
}

TEST_F(LoginPlacesTest, AReadingWithAProblemSaysNothing) {
  judge();
  StoreReading reading = world_.read();
  reading.all.clear();
  reading.problem = Error(ErrorCode::store_unavailable, "x");
  for (int i = 0; i < 3; ++i) {
    now_ += 3s;
    EXPECT_TRUE(places_.judge(reading, now_).gone.empty());
  }
}

TEST_F(LoginPlacesTest, WhatHeldALoginIsKnownAfterARestart) {
  const test::TempDir root;
  {
    LoginPlaces before(root.path() / "logins.json");
    before.judge(world_.read(), now_);
  }
  log_out("quay.io");
  world_.collections.pop_back();  // not unlocked since the restart
  LoginPlaces after(root.path() / "logins.json");
  after.judge(world_.read(), now_);
  const auto verdict = after.judge(world_.read(), now_ + 3s);
  EXPECT_TRUE(verdict.gone.empty());
  EXPECT_TRUE(verdict.unknown.contains(quay));
  EXPECT_EQ(test::read_file(root.path() / "logins.json").find("jdoe"), std::string::npos);
}

TEST_F(LoginPlacesTest, ALoginInTwoPlacesIsWrittenDownOnce) {
  test::TempDir dir;
  LoginPlaces places(dir / "places.json", 3s);
  world_.logins = {{"ghcr.io", "/login"}, {"ghcr.io", "/work"}};
  places.judge(world_.read(), now_);
  const auto written = test::read_file(dir / "places.json");
  std::filesystem::remove(dir / "places.json");
  places.judge(world_.read(), now_);
  EXPECT_FALSE(std::filesystem::exists(dir / "places.json")) << "nothing has changed";
  EXPECT_NE(written.find("/login"), std::string::npos);
}

// A rotation waits for no disk.
TEST_F(LoginPlacesTest, WhenALoginWasChangedIsWrittenDownOnRequestOnly) {
  const test::TempDir dir;
  const auto file = dir / "places.json";
  LoginPlaces places(file, 3s);
  places.judge(world_.read(), now_);
  const auto before = test::read_file(file);
  world_.changed += 60s;
  places.judge(world_.read(), now_);
  EXPECT_EQ(test::read_file(file), before);
  places.save();
  EXPECT_NE(test::read_file(file), before);
  std::filesystem::remove(file);
  places.save();
  EXPECT_FALSE(std::filesystem::exists(file)) << "nothing has changed since";
}

// Seen in a keyring that does not count while the default one is locked.
TEST_F(LoginPlacesTest, ALoginThatIsNotUsedIsNotWrittenDownEither) {
  const test::TempDir dir;
  const auto file = dir / "places.json";
  LoginPlaces places(file, 3s);
  places.judge(world_.read(), now_);
  world_.collections = {{"/login", "Login", true, true}, {"/other", "Other", false, false}};
  world_.logins = {{"ghcr.io", "/other"}};
  EXPECT_TRUE(places.judge(world_.read(), now_).unknown.contains(ghcr));
  std::filesystem::remove(file);
  places.judge(world_.read(), now_);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(LoginPlacesTest, AFileThatIsNoFileIsReportedAndNothingElse) {
  const test::TempDir root;
  std::filesystem::create_directory(root.path() / "logins.json");
  LoginPlaces places(root.path() / "logins.json");
  EXPECT_TRUE(places.problem());
  EXPECT_TRUE(places.judge(world_.read(), now_).gone.empty());
}

TEST_F(LoginPlacesTest, AFileOfAnyContentIsSurvived) {
  const test::TempDir root;
  for (const char* text : {"", "[]", R"({"holders": 7})", R"({"holders": [null, {"logins": [1, {}]}]})", "\xff"}) {
    std::ofstream(root.path() / "logins.json") << text;
    LoginPlaces places(root.path() / "logins.json");
    EXPECT_TRUE(places.judge(world_.read(), now_).gone.empty()) << text;
  }
}

TEST_F(LoginPlacesTest, ALoginOfAFileIsGoneOnlyWhileThatFileIsThereAndWhole) {
  const StoreCollection file{
      .path = "/a.json", .label = "/a.json", .locked = false, .is_default = false, .is_file = true};
  world_.collections.push_back(file);
  world_.logins = {{"ghcr.io", "/a.json"}, {"quay.io", "/work"}};
  judge();
  log_out("ghcr.io");
  world_.collections.pop_back();
  EXPECT_NE(judge_twice().unknown.at(ghcr).message().find("the file /a.json is not there"), std::string::npos);
  world_.collections.push_back(file);
  world_.collections.back().locked = true;
  EXPECT_NE(judge_twice().unknown.at(ghcr).message().find("the file /a.json cannot be read"), std::string::npos);
  world_.collections.back().locked = false;
  world_.program = "keepassxc";  // which never held it
  EXPECT_TRUE(judge_twice().gone.contains(ghcr));
}

// A login file was renamed while the login was in it; the login was taken out later.
TEST_F(LoginPlacesTest, AFileThatHeldALoginOnceIsNoKeyringThatIsClosed) {
  world_.program = login_files_program;
  const auto file = [](const std::string& path) {
    return StoreCollection{.path = path, .label = path, .locked = false, .is_default = false, .is_file = true};
  };
  world_.collections = {file("/a.json")};
  world_.logins = {{"ghcr.io", "/a.json"}};
  judge();
  world_.collections = {file("/b.json")};
  world_.logins = {{"ghcr.io", "/b.json"}};
  judge();
  log_out("ghcr.io");
  EXPECT_TRUE(judge_twice().gone.contains(ghcr));
}

}  // namespace
}  // namespace regsync
