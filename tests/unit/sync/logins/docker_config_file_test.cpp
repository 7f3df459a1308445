#include "sync/logins/docker_config_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string saved(const fs::path& path) {
  DockerConfigFile config(path);
  config.set_store_helper("regsync");
  config.save();
  return test::read_file(path);
}

TEST(DockerConfigFile, KeepsWhatItDoesNotKnowInItsOrder) {
  const TempDir dir;
  const auto path = dir.write("config.json", R"({
	"psFormat": "table {{.ID}}\t<>&\u00e9",
	"auths": {"z.example": {}, "a.example": {"email": "e"}},
	"HttpHeaders": {"X": "1"},
	"proxies": {"default": {"noProxy": "*.local"}},
	"aliases": null, "detachKeys": 1.5, "big": 9007199254740993
})");
  const auto before = nlohmann::ordered_json::parse(test::read_file(path));
  auto after = nlohmann::ordered_json::parse(saved(path));
  EXPECT_EQ(after.at("credsStore"), "regsync");
  after.erase("credsStore");
  EXPECT_EQ(after.dump(), before.dump());
}

TEST(DockerConfigFile, KeepsWhatItDoesNotChangeAsItIsWritten) {
  const TempDir dir;
  EXPECT_EQ(saved(dir.write("config.json", R"({"big": 12345678901234567890123,"list":[1.10, {"a" : 1E5}] ,
  "credsStore":"pass", "a\"b}": "c\u00e9", "no": null})")),
            "{\n\t\"big\": 12345678901234567890123,\n\t\"list\": [1.10, {\"a\" : 1E5}],\n"
            "\t\"credsStore\": \"regsync\",\n\t\"a\\\"b}\": \"c\\u00e9\",\n\t\"no\": null\n}");
  EXPECT_EQ(saved(dir.write("empty.json", "{}")), "{\n\t\"credsStore\": \"regsync\"\n}");
  DockerConfigFile config(dir.write("nested.json", R"({"auths":{"ghcr.io":{"auth":"YTpi"}}})"));
  config.blank_login("ghcr.io");
  config.save();
  EXPECT_EQ(test::read_file(config.path()), "{\n\t\"auths\": {\n\t\t\"ghcr.io\": {}\n\t}\n}") << "docker's own layout";
}

TEST(DockerConfigFile, KeepsModeSymbolicLinkAndLastNewline) {
  const TempDir dir;
  const auto target = dir.write("dotfiles/docker.json", "{}\n");
  fs::permissions(target, fs::perms(0640));
  const auto link = dir / "config.json";
  fs::create_symlink(target, link);
  EXPECT_TRUE(saved(link).ends_with("}\n"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(fs::status(target).permissions(), fs::perms(0640));
  EXPECT_FALSE(saved(dir.write("other.json", "{}")).ends_with("\n"));
}

TEST(DockerConfigFile, AMissingOrEmptyFileIsAnEmptyDocument) {
  const TempDir dir;
  EXPECT_TRUE(DockerConfigFile(dir / "none/config.json").empty());
  EXPECT_TRUE(DockerConfigFile(dir.write("empty.json", " \n")).empty());
  EXPECT_THAT(saved(dir / "none/config.json"), HasSubstr("credsStore"));
  EXPECT_EQ(fs::status(dir / "none/config.json").permissions(), fs::perms(0600));
}

TEST(DockerConfigFile, RefusesWhatIsNotJsonWithoutQuotingIt) {
  const TempDir dir;
  const auto path = dir.write("config.json", R"({"auths": {"a": {"auth": "canary"}})");
  try {
    const DockerConfigFile config(path);
    FAIL() << "read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    EXPECT_THAT(error.message(), testing::AllOf(HasSubstr(path.string()), HasSubstr("byte"), Not(HasSubstr("canary"))));
  }
  EXPECT_THROW(DockerConfigFile(dir.write("list.json", "[]")), Error);
  EXPECT_THROW(DockerConfigFile(dir.write("number.json", R"({"n": 1e999})")), Error);
}

TEST(DockerConfigFile, LeavesAFileAloneThatAnotherProgramChanged) {
  const TempDir dir;
  const auto path = dir.write("config.json", "{}");
  DockerConfigFile config(path);
  dir.write("config.json", R"({"auths":{"new.example":{}}})");
  config.set_store_helper("regsync");
  EXPECT_THROW(config.save(), Error);
  EXPECT_EQ(test::read_file(path), R"({"auths":{"new.example":{}}})");
}

TEST(DockerConfigFile, ReadsPlainLoginsAsDockerDoes) {
  const TempDir dir;
  const auto path = dir.write("config.json", R"({"auths": {
    "a.example": {"auth": "YWxpY2U6czNjOnJldA=="},
    "b.example": {"username": "bob", "password": "pw"},
    "c.example": {"auth": "eDp5", "identitytoken": "tok"},
    "d.example": {},
    "e.example": {"email": "only"},
    "f.example": {"auth": "bm9jb2xvbg=="},
    "g.example": {"auth": "%%%"},
    "h.example": {"registrytoken": "t"}}})");
  const DockerConfigFile config(path);
  std::vector<std::string> unreadable;
  const auto logins = config.plain_logins(&unreadable);
  ASSERT_EQ(logins.size(), 3U);
  EXPECT_EQ(logins[0], (Credential{{"a.example", "alice"}, SecretString("s3c:ret")}));
  EXPECT_EQ(logins[1], (Credential{{"b.example", "bob"}, SecretString("pw")}));
  EXPECT_EQ(logins[2], (Credential{{"c.example", "<token>"}, SecretString("tok")}));
  EXPECT_THAT(unreadable, ElementsAre("f.example", "g.example"));
  unreadable.clear();
  static_cast<void>(DockerConfigFile(path, DockerConfigFile::Form::login_file).plain_logins(&unreadable));
  EXPECT_THAT(unreadable, ElementsAre("f.example", "g.example", "h.example")) << "kubelet knows no registry token";
}

// As Go's encoding/json does for docker: tables are put together, and the last value of anything else counts.
TEST(DockerConfigFile, OfWhatIsThereTwiceNothingIsLost) {
  const TempDir dir;
  const auto path = dir.write("config.json", R"({"auths":{"a.example":{"auth":"YWxpY2U6b25l"},"b.example":{}},
    "credHelpers":{"c.example":"one","d.example":"one"}, "credsStore": "one", "credsStore": "two",
    "auths":{"b.example":{"auth":"Ym9iOnR3bw=="}}, "credHelpers":{"d.example":"two"}})");
  const DockerConfigFile config(path);
  const auto logins = config.plain_logins();
  ASSERT_EQ(logins.size(), 2U);
  EXPECT_EQ(logins[0], (Credential{{"a.example", "alice"}, SecretString("one")}));
  EXPECT_EQ(logins[1], (Credential{{"b.example", "bob"}, SecretString("two")}));
  EXPECT_EQ(config.store_helper(), "two");
  EXPECT_EQ(config.registry_helper("c.example"), "one");
  EXPECT_EQ(config.registry_helper("d.example"), "two");
}

TEST(DockerConfigFile, WhatIsThereTwiceIsNotEdited) {
  const TempDir dir;
  const std::map<std::string, std::string> files{
      {R"({"auths":{"a":{}},"auths":{}})", R"("auths" is twice in )"},
      {R"({"auths":{},"Auths":{}})", R"("auths" is twice in )"},
      {R"({"proxies":{},"proxies":{}})", R"("proxies" is twice in )"},
      {R"({"auths":{"a":{},"a":{"auth":""}}})", R"("a" of "auths" is twice in )"},
      {R"({"auths":{"a":{"Auth":"","auth":""}}})", R"("auth" of "a" is twice in )"},
      {R"({"credHelpers":{"a":"x","a":"y"}})", R"("a" of "credHelpers" is twice in )"}};
  for (const auto& [text, said] : files) {
    const DockerConfigFile config(dir.write("config.json", text));
    try {
      config.require_editable();
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), HasSubstr(said + config.path().string()));
      EXPECT_THAT(error.remedy(), HasSubstr("nothing was changed"));
    }
  }
  EXPECT_NO_THROW(DockerConfigFile(dir.write("config.json", R"({"auths":{"a":{},"A":{}}})")).require_editable());
}

TEST(DockerConfigFile, TheCaseOfANameDoesNotCount) {
  const TempDir dir;
  const auto path = dir.write("config.json", R"({"Auths":{"c.example":{"Auth":"YWxpY2U6b25l","EMAIL":"e"}},
    "CredsStore":"desktop", "credhelpers":{"d.example":"other"}, "Proxies": {"a": 1}})");
  DockerConfigFile config(path);
  const auto logins = config.plain_logins();
  ASSERT_EQ(logins.size(), 1U);
  EXPECT_EQ(logins[0], (Credential{{"c.example", "alice"}, SecretString("one")}));
  EXPECT_EQ(config.store_helper(), "desktop");
  EXPECT_EQ(config.registry_helper("d.example"), "other");
  config.require_editable();
  config.blank_login("c.example");
  config.set_store_helper("regsync");
  config.save();
  EXPECT_EQ(
      test::read_file(path),
      "{\n\t\"auths\": {\n\t\t\"c.example\": {\n\t\t\t\"EMAIL\": \"e\"\n\t\t}\n\t},\n\t\"credsStore\": \"regsync\",\n\t"
      "\"credHelpers\": {\"d.example\":\"other\"},\n\t\"Proxies\": {\"a\": 1}\n}");
}

TEST(DockerConfigFile, ABlankedLoginComesBackAsItWas) {
  const TempDir dir;
  DockerConfigFile config(dir.write("config.json", R"({"auths":{"a.example":{"auth":"YWxpY2U6cHc=","email":"e"}}})"));
  const auto logins = config.plain_logins();
  config.blank_login("a.example");
  EXPECT_THAT(config.plain_logins(), IsEmpty());
  EXPECT_EQ(config.document().dump(), R"({"auths":{"a.example":{"email":"e"}}})");
  config.blank_login("never.example");
  config.put_login(logins.front());
  EXPECT_EQ(config.plain_logins(), logins);
}

TEST(DockerConfigFile, ARegistryTokenStaysWhereDockerReadsIt) {
  const TempDir dir;
  DockerConfigFile config(
      dir.write("config.json", R"({"auths":{"a.example":{"auth":"YWxpY2U6cHc=","registrytoken":"t"}}})"));
  EXPECT_EQ(config.plain_logins().size(), 1U);
  config.blank_login("a.example");
  EXPECT_EQ(config.document().dump(), R"({"auths":{"a.example":{"registrytoken":"t"}}})");
  EXPECT_THAT(config.blank_entries(), ElementsAre("a.example"));
}

TEST(DockerConfigFile, ALinkWhoseTargetIsNotThereIsNamedAndLeftAlone) {
  const TempDir dir;
  const fs::path link = dir.path() / "config.json";
  fs::create_symlink("/nonexistent/config.json", link);
  try {
    DockerConfigFile config(link);
    ADD_FAILURE() << "it was taken for a new file";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::file_missing);
    EXPECT_NE(error.message().find(link.string() + ": is a link to /nonexistent/config.json"), std::string::npos);
  }
  EXPECT_TRUE(fs::is_symlink(link));
}

// What `sync --once --logins /dev/stdin <<<…` gives: no path leads to the file any more, and the kernel opens it.
TEST(DockerConfigFile, AFileWithoutANameIsRead) {
  const int file = ::memfd_create("config", MFD_CLOEXEC);
  constexpr std::string_view text = R"({"auths":{"a.example":{"auth":"YWxpY2U6cHc="}}})";
  ASSERT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  const TempDir dir;
  fs::create_symlink("/proc/self/fd/" + std::to_string(file), dir / "link");
  EXPECT_EQ(DockerConfigFile(dir / "link").plain_logins().size(), 1U);
  ::close(file);
}

TEST(DockerConfigFile, ManyLongNamesAreReadAtOnce) {
  const TempDir dir;
  std::string text = R"({"credHelpers":{)";
  for (int i = 10'000; i < 14'900; ++i) {
    text += '"' + std::string(400, 'r') + std::to_string(i) + R"(":"ecr-login",)";
  }
  text += R"("z":"ecr-login"}})";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(DockerConfigFile(dir.write("config.json", text)).foreign_helpers().size(), 4901U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// Its tree would take hours to make, gigabytes to keep, or the whole stack to print.
TEST(DockerConfigFile, WhatIsLargerThanAnyRealFileIsRefusedAtOnce) {
  const TempDir dir;
  std::string wide = R"({"auths":{)";
  for (int i = 0; i < 60'000; ++i) {
    wide += "\"r" + std::to_string(i) + R"(.example":{},)";
  }
  const std::string deep(1'000'000, '[');
  for (const std::string& text : {wide + R"("z":{}}})", R"({"x":)" + deep + std::string(deep.size(), ']') + "}", deep,
                                  R"({"x":")" + std::string(2 << 20, 'x') + "\"}"}) {
    try {
      const DockerConfigFile config(dir.write("config.json", text));
      ADD_FAILURE() << "it was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input);
      EXPECT_THAT(error.message(), testing::AnyOf(HasSubstr("more than 5000 values"), HasSubstr("nests deeper than"),
                                                  HasSubstr("is larger than 2 MiB")));
    }
  }
}

TEST(DockerConfigFile, TheLastRegistryHelperTakesItsTableAlong) {
  const TempDir dir;
  DockerConfigFile config(dir.write("config.json", R"({"credHelpers":{"ghcr.io":"old"}})"));
  config.set_registry_helper("quay.io", "regsync");
  EXPECT_EQ(config.registry_helper("quay.io"), "regsync");
  config.set_registry_helper("quay.io", std::nullopt);
  EXPECT_EQ(config.registry_helper("ghcr.io"), "old");
  config.set_registry_helper("ghcr.io", std::nullopt);
  EXPECT_TRUE(config.empty());
}

}  // namespace
}  // namespace regsync
