#include "sync/kube/api/object_splitter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace regsync::kube {
namespace {

using Fed = ObjectSplitter::Fed;

constexpr auto ignore = [](std::string_view) {};

TEST(ObjectSplitter, ObjectsAreTheSameHoweverTheBytesAreCut) {
  // Line ends before and between, none between two, inside of one, and marks inside of texts.
  const std::string text = "\n{}\r\n\n{\"a\":[{}]}{\n  \"b\": \"}\\\\\\\"{\"\n}\n{\"rest\":";
  const std::vector<std::string> objects{"{}", "{\"a\":[{}]}", "{\n  \"b\": \"}\\\\\\\"{\"\n}"};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    ObjectSplitter splitter(100);
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_EQ(splitter.feed(std::string_view(text).substr(at, piece),
                              [&](std::string_view object) { seen.emplace_back(object); }),
                Fed::good);
    }
    EXPECT_EQ(seen, objects) << piece;
    EXPECT_TRUE(splitter.has_rest());
  }
}

TEST(ObjectSplitter, AnObjectThatIsTooLongIsRefusedBeforeItIsWhole) {
  ObjectSplitter splitter(4);
  EXPECT_EQ(splitter.feed("{12}\n{1", ignore), Fed::good);
  EXPECT_EQ(splitter.feed("23", ignore), Fed::good);
  EXPECT_EQ(splitter.feed("4", ignore), Fed::too_long);
}

TEST(ObjectSplitter, WhatIsNoObjectIsRefused) {
  for (const char* text : {"<html>", "[]", "null", "\"{}\"", "}", "{} x"}) {
    EXPECT_EQ(ObjectSplitter(100).feed(text, ignore), Fed::no_object) << text;
  }
}

TEST(ObjectSplitter, NothingIsLeftAfterAnObjectAndWhiteSpace) {
  ObjectSplitter splitter(100);
  EXPECT_EQ(splitter.feed("{} \n", ignore), Fed::good);
  EXPECT_FALSE(splitter.has_rest());
}

}  // namespace
}  // namespace regsync::kube
