#include "sync/kube/config/yaml_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "helper/base/error.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

std::string fault(const std::string& yaml) {
  try {
    return "taken: " + yaml_to_json(yaml).dump();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return error.message();
  }
}

TEST(YamlJson, APlainValueHasTheTypeThatYaml11GivesIt) {
  for (const auto& [yaml, value] : std::map<std::string, json>{{"true", true},
                                                               {"Yes", true},
                                                               {"on", true},
                                                               {"y", true},
                                                               {"FALSE", false},
                                                               {"no", false},
                                                               {"Off", false},
                                                               {"n", false},
                                                               {"~", nullptr},
                                                               {"Null", nullptr},
                                                               {"12", 12},
                                                               {"-7", -7},
                                                               {"+5", 5},
                                                               {"1.5", 1.5},
                                                               {".5", 0.5},
                                                               {"1e3", 1000.0},
                                                               {"+", "+"},
                                                               {"1.2.3", "1.2.3"},
                                                               {"tRUE", "tRUE"},
                                                               {".inf", ".inf"},
                                                               {"nan", "nan"},
                                                               {"infinity", "infinity"},
                                                               {"2027-01-31", "2027-01-31"},
                                                               {"1e999", "1e999"},
                                                               {"a b", "a b"},
                                                               {"9223372036854775807", INT64_MAX},
                                                               {"9223372036854775808", 9223372036854775808U},
                                                               {"-9223372036854775808", INT64_MIN},
                                                               {"18446744073709551616", 18446744073709551616.0},
                                                               {"0", 0},
                                                               {"-0", 0},
                                                               {"0x1F", 31},
                                                               {"-0x10", -16},
                                                               {"0o17", 15},
                                                               {"017", 15},
                                                               {"09", 9.0},
                                                               {"0b101", 5},
                                                               {"-0b101", -5},
                                                               {"1_000", 1000},
                                                               {"1_000.5", 1000.5},
                                                               {"_1", "_1"},
                                                               {"0x", "0x"},
                                                               {"0xg", "0xg"},
                                                               {"--1", "--1"}}) {
    EXPECT_EQ(yaml_to_json("v: " + yaml).at("v"), value) << yaml;
    EXPECT_EQ(yaml_to_json("v: " + yaml).at("v").type(), value.type()) << yaml;
  }
}

TEST(YamlJson, WhatIsQuotedOrTaggedIsText) {
  EXPECT_EQ(yaml_to_json("['true', \"12\", !!str 12]"), (json{"true", "12", "12"}));
  EXPECT_EQ(yaml_to_json("a: |\n  yes\n"), (json{{"a", "yes\n"}}));
  EXPECT_EQ(yaml_to_json("{a: ''}"), (json{{"a", ""}}));
  EXPECT_EQ(yaml_to_json("{a: , b: x}"), (json{{"a", nullptr}, {"b", "x"}}));
}

TEST(YamlJson, AReaderWhoKnowsTheTypesGetsText) {
  EXPECT_EQ(yaml_to_json("{a: true, b: 012, c: n, d: [1.0]}", Scalars::as_text),
            (json{{"a", "true"}, {"b", "012"}, {"c", "n"}, {"d", {"1.0"}}}));
}

TEST(YamlJson, OfSeveralDocumentsTheFirstCounts) {
  EXPECT_EQ(yaml_to_json(""), nullptr);
  EXPECT_EQ(yaml_to_json("# nothing\n"), nullptr);
  EXPECT_EQ(yaml_to_json("a: 1\n---\nb: 2\n"), (json{{"a", 1}}));
  EXPECT_EQ(yaml_to_json("{\"json\": [true, null]}"), (json{{"json", {true, nullptr}}}));
}

TEST(YamlJson, OfEqualKeysTheLastCounts) { EXPECT_EQ(yaml_to_json("{a: 1, a: 2}"), (json{{"a", 2}})); }

// As kubectl's YAML does it, and not as YAML's rules have it.
TEST(YamlJson, WhatIsMergedCountsInTheOrderOfTheText) {
  EXPECT_EQ(yaml_to_json("base: &b {a: 1, c: 3}\nv: {<<: *b, a: 2}").at("v"), (json{{"a", 2}, {"c", 3}}));
  EXPECT_EQ(yaml_to_json("base: &b {a: 1, c: 3}\nv: {a: 2, <<: *b}").at("v"), (json{{"a", 1}, {"c", 3}}));
  EXPECT_EQ(yaml_to_json("x: &x {a: 1}\ny: &y {a: 2}\nv: {<<: *x, <<: *y}").at("v"), (json{{"a", 2}}));
  EXPECT_EQ(yaml_to_json("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nv: {<<: [*x, *y]}").at("v"), (json{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(yaml_to_json("{'<<': {a: 1}}"), (json{{"<<", {{"a", 1}}}})) << "quoted, it is a key like any other";
}

TEST(YamlJson, AFaultNamesItsLine) {
  for (const char* value : {"~", "abc", "[{a: 1}, b]"}) {
    EXPECT_EQ(fault("a: 1\nb: {<<: " + std::string(value) + "}\n"),
              "line 2: map merge requires map or sequence of maps as the value");
  }
  EXPECT_THAT(fault("a: 1\nb: [\n"), StartsWith("line "));
  EXPECT_EQ(fault("a: 1\n[b]: 2\n"), "line 2: a key must be a plain value");
  EXPECT_EQ(fault("~: 2\n"), "line 1: a key must be a plain value");
  EXPECT_THAT(fault("a: *nowhere"), StartsWith("line 1: "));
}

TEST(YamlJson, WhatIsNotUtf8IsRefusedAndItsLineNamed) {
  for (const char* text :
       {"a: 1\nname: prod-\xfc\n", "a: 1\n\xfc: 1\n", "a: 1\n'\xfc': 1\n", "a: 1\nb: !!binary /w==\n"}) {
    try {
      yaml_to_json(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input);
      EXPECT_NE(error.message().find("line 2: it is not UTF-8"), std::string::npos) << error.message();
    }
  }
}

// Few values, each of which stands for much.
TEST(YamlJson, WhatAliasesRepeatIsBoundedInBytesToo) {
  const std::string large(5'000, 'x');
  for (const auto& [first, again] :
       {std::pair("v: &v " + large, "w: [*v, *v]"), {"- &v " + large, "- *v : 1\n- *v : 2"}}) {
    EXPECT_NO_THROW(yaml_to_json(first + "\n", Scalars::typed, 100));
    EXPECT_THROW(yaml_to_json(first + "\n" + again + "\n", Scalars::typed, 100), Error) << again;
    EXPECT_NO_THROW(yaml_to_json(first + "\n" + again + "\n"));
  }
}

TEST(YamlJson, TextOfWindowsIsReadAsUtf8) {
  const std::string utf16(
      "\xff\xfe"
      "a\0:\0 \0\xfc\0\n\0",
      12);
  EXPECT_EQ(yaml_to_json(utf16), (json{{"a", "\xc3\xbc"}}));
}

TEST(YamlJson, ALineMayEndInACarriageReturnAlone) {
  EXPECT_EQ(yaml_to_json("a: 1\rb:\r  c: x\r"), (json{{"a", 1}, {"b", {{"c", "x"}}}}));
  EXPECT_EQ(yaml_to_json("a: |\r\n  x\r\n  y\r\n"), (json{{"a", "x\ny\n"}}));
}

TEST(YamlJson, WhatIsNestedBeyondReasonIsRefused) {
  EXPECT_THAT(fault(std::string(200, '[') + std::string(200, ']')), HasSubstr("too deep or too large"));
  EXPECT_THAT(fault(std::string(10'000, '{')), StartsWith("line 1: "));
}

}  // namespace
}  // namespace regsync::kube
