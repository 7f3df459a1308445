#include "sync/kube/api/outline.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace regsync::kube {
namespace {

using nlohmann::json;

TEST(MemberText, IsTheTextOfTheValue) {
  const char* object = R"( { "a" : [1, "]"] , "b":{"a":2},"c" :"x\"}", "d":17} )";
  EXPECT_EQ(member_text(object, "a"), R"([1, "]"])");
  EXPECT_EQ(member_text(object, "b"), R"({"a":2})");
  EXPECT_EQ(member_text(object, "c"), R"("x\"}")");
  EXPECT_EQ(member_text(object, "d"), "17");
  EXPECT_EQ(member_text(object, "e"), "");
}

TEST(MemberText, OfWhatIsNoObjectIsNothing) {
  for (const char* text : {"", " ", "{", "[]", "{}", "{1}", "{\"a\"", "{\"a\":", "{\"b\":[", "{,", "{:}", "12"}) {
    EXPECT_EQ(member_text(text, "a"), "") << text;
  }
}

TEST(Outline, HasTheNameAndTheVersionAndDeniesNoLabels) {
  const json outline = outline_of(
      R"({"imagePullSecrets":[{},{}],"metadata":{"labels":{"a":"b"},"name":"n","namespace":"s","resourceVersion":"7"}})");
  EXPECT_EQ(outline, json::parse(R"({"metadata":{"name":"n","namespace":"s","resourceVersion":"7",
                                     "labels":false,"annotations":false}})"));
}

TEST(Outline, LeavesOutWhatIsNoText) {
  const json none = json::parse(R"({"metadata":{"labels":false,"annotations":false}})");
  for (const std::string& name :
       std::vector<std::string>{"1", "{\"a\":1}", "null", "\"\xff\"", "\"" + std::string(10'000, 'x') + "\""}) {
    EXPECT_EQ(outline_of(R"({"metadata":{"name":)" + name + "}}"), none) << name.substr(0, 20);
  }
  EXPECT_EQ(outline_of("[]"), none);
  EXPECT_EQ(outline_of(R"({"metadata":[]})"), none);
}

}  // namespace
}  // namespace regsync::kube
