#include "sync/kube/api/list_splitter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "helper/base/error.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Split {
  std::vector<std::string> items;
  json envelope;
};

Split split(const std::string& text) {
  ListSplitter splitter(text);
  Split all;
  while (const auto item = splitter.next()) {
    all.items.emplace_back(*item);
  }
  all.envelope = splitter.envelope();
  return all;
}

std::string refusal_of(const std::string& text) {
  try {
    split(text);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::protocol);
    return error.message();
  }
}

TEST(ListSplitter, ItemsAndWhatStandsAroundThem) {
  const Split list =
      split(R"({"kind":"SecretList","metadata":{"resourceVersion":"7","continue":"c"},"items":[{"a":1},{"b":[2,3]}]})");
  EXPECT_THAT(list.items, ElementsAre(R"({"a":1})", R"({"b":[2,3]})"));
  EXPECT_EQ(list.envelope, (json{{"kind", "SecretList"}, {"metadata", {{"resourceVersion", "7"}, {"continue", "c"}}}}));
}

TEST(ListSplitter, TheOrderOfMembersAndSpaceDoNotMatter) {
  const Split list =
      split(" {\n \"items\" : [ { } , {\"x\": \"]}\"} ] , \"metadata\" : {\"resourceVersion\":\"7\"} } \n");
  EXPECT_THAT(list.items, ElementsAre("{ }", R"({"x": "]}"})"));
  EXPECT_EQ(list.envelope["metadata"]["resourceVersion"], "7");
}

TEST(ListSplitter, NoItemsAreNoItems) {
  for (const char* text : {R"({"items":[]})", R"({"items":null})", R"({})", R"({"metadata":{"items":[1]}})"}) {
    EXPECT_THAT(split(text).items, IsEmpty()) << text;
  }
}

TEST(ListSplitter, WhatIsNoListSaysSo) {
  for (const char* text : {"<html>", "[]", "12", "{1}", "{\"a\"}"}) {
    EXPECT_THAT(refusal_of(text), HasSubstr("is not a JSON object")) << text;
  }
  for (const char* text : {"", "{", R"({"items":[)", R"({"items":[{"a":1)", R"({"items":[{}])", R"({"metadata":{)"}) {
    EXPECT_THAT(refusal_of(text), HasSubstr("ends too soon")) << text;
  }
}

TEST(ListSplitter, EachBoundIsNamed) {
  const std::string begin = R"({"items":[)";
  EXPECT_THAT(refusal_of("{\"metadata\":" + std::string(200, '[')), HasSubstr("nests deeper than 100 levels"));
  EXPECT_THAT(refusal_of(begin + "\"" + std::string(std::size_t{9} << 20, 'x') + "\"]}"),
              HasSubstr("larger than 8 MiB"));
  EXPECT_THAT(refusal_of("{\"metadata\":\"" + std::string(std::size_t{2} << 20, 'x') + "\"}"),
              HasSubstr("more than 1 MiB around its items"));
  std::string many = begin + "{}";
  for (int i = 0; i < 100'000; ++i) {
    many += ",{}";
  }
  EXPECT_THAT(refusal_of(many + "]}"), HasSubstr("more than 100000 items"));
}

TEST(ListSplitter, AnItemOfWhichNoTreeMayBeMadeIsMarkedAndItsNeighboursAreNot) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  std::string wide = "[1";
  for (int i = 0; i < 300'000; ++i) {
    wide += ",1";
  }
  const std::string text = R"({"items":[{"a":1},)" + deep + ",2," + wide + "],3]}";
  ListSplitter list(text);
  for (const bool oversize : {false, true, false, true, false}) {
    EXPECT_TRUE(list.next());
    EXPECT_EQ(list.is_oversize(), oversize);
  }
  EXPECT_FALSE(list.next());
}

}  // namespace
}  // namespace regsync::kube
