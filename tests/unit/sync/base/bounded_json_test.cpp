#include "sync/base/bounded_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

std::string refusal_of(const std::string& text, const JsonBounds& bounds) {
  try {
    parse_bounded(text, bounds);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::protocol);
    return error.message();
  }
}

TEST(BoundedJson, IsParsedAsAnyOther) {
  for (const char* text : {"{}", R"( [1, "a\"]", {"b": [true]}] )", "17", R"("x")", "null\n"}) {
    EXPECT_EQ(parse_bounded(text), json::parse(text)) << text;
  }
}

TEST(BoundedJson, IsDiscardedWhereItIsNone) {
  for (const char* text : {"", " ", "{", "[1,", "\"x", "\"x\\", "]", "}", ",", "{}{}", "[1]]", "nope", "<html>"}) {
    EXPECT_TRUE(parse_bounded(text).is_discarded()) << text;
  }
}

TEST(BoundedJson, NamesTheBoundThatItExceeds) {
  const JsonBounds bounds{.bytes = 2 << 20, .depth = 3, .values = 5};
  EXPECT_EQ(refusal_of("[[[]]]", bounds), "");
  EXPECT_THAT(refusal_of("[[[[]]]]", bounds), HasSubstr("nests deeper than 3 levels"));
  EXPECT_THAT(refusal_of("[{\"a\":[{", bounds), HasSubstr("nests deeper than 3 levels")) << "before its end is seen";
  EXPECT_EQ(refusal_of("[1,2,3,4,5]", bounds), "");
  EXPECT_THAT(refusal_of("[1,2,3,4,5,6]", bounds), HasSubstr("more than 5 values"));
  EXPECT_THAT(refusal_of("\"" + std::string(2 << 20, 'x') + "\"", bounds), HasSubstr("larger than 2 MiB"));
}

TEST(BoundedJson, BracketsInStringsDoNotCount) {
  const JsonBounds bounds{.bytes = 1 << 20, .depth = 1, .values = 2};
  EXPECT_EQ(parse_bounded(R"({"[[\"{{": ",,,]]"})", bounds).size(), 1U);
}

TEST(BoundedJson, MegabytesOfBracketsAreRefusedWithoutATree) {
  EXPECT_THAT(refusal_of(std::string(std::size_t{7} << 20, '['), {}), HasSubstr("nests deeper than 100 levels"));
  EXPECT_THAT(refusal_of("[" + repeated("{},", std::size_t{2} << 20) + "{}]", {}), HasSubstr("values"));
}

TEST(MembersOf, AreAsTheyStandInTheText) {
  const std::string text = R"( {"a": 1.0, "b\u00e4" :{"c":[1]} , "a":"},\"{"} )";
  const std::vector<JsonMember> members = members_of(text, {});
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[0].value, "1.0");
  EXPECT_EQ(members[1].name, "bä");
  EXPECT_EQ(members[1].value, R"({"c":[1]})");
  EXPECT_EQ(members[2].name, "a");
  EXPECT_EQ(members[2].value, R"("},\"{")");
  EXPECT_TRUE(members_of("{ }", {}).empty());
}

TEST(EndOfValue, IsBehindTheValueAndBeforeWhatFollows) {
  EXPECT_EQ(end_of_value("x{\"a\":1},2", 1, {}), 8U);
  EXPECT_EQ(end_of_value("12,3", 0, {}), 2U);
  EXPECT_EQ(end_of_value("12", 0, {}), 2U);
  EXPECT_EQ(end_of_value("\"a,\\\"b\" ", 0, {}), 7U);
  EXPECT_EQ(end_of_value("[1", 0, {}), std::string_view::npos);
}

}  // namespace
}  // namespace regsync
