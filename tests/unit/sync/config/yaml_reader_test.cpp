#include "sync/config/yaml_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const YamlReader reader("f.yaml");

// What `read` makes of the document.
template <typename Read>
auto value_of(const std::string& yaml, Read read) {
  std::optional<decltype(read(YAML::Node()))> value;
  reader.load(yaml, "mend it", [&](const YAML::Node& node) { value = read(node); });
  return *value;
}

// "message; remedy" of what is thrown.
template <typename Read>
std::string fault(const std::string& yaml, Read read) {
  try {
    reader.load(yaml, "mend it", [&](const YAML::Node& node) { static_cast<void>(read(node)); });
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return describe(error);
  }
  return "no fault";
}
std::string fault(const std::string& yaml) {
  return fault(yaml, [](const YAML::Node&) { return 0; });
}

TEST(YamlReader, AnEmptyFileIsNull) {
  for (const char* yaml : {"", "\n", "# nothing yet\n", "---\n", "~"}) {
    EXPECT_TRUE(value_of(yaml, [](const YAML::Node& node) { return node.IsNull(); })) << yaml;
  }
}

TEST(YamlReader, AFileHoldsOneDocument) {
  EXPECT_THAT(fault("a: 1\n---\nb: 2\n"), AllOf(StartsWith("f.yaml:3:1: a second YAML document"), HasSubstr("---")));
  EXPECT_THAT(fault("a: 1\n---\n"), HasSubstr("a second YAML document"));
  EXPECT_EQ(fault("---\na: 1\n...\n"), "no fault");
}

TEST(YamlReader, WhatIsNoYamlIsNamedByItsPlaceAndWhatToDo) {
  EXPECT_THAT(fault("a: 1\nb: [1\n"), AllOf(StartsWith("f.yaml:"), HasSubstr("; mend it")));
  EXPECT_THAT(fault("a:\n\t- b\n"), StartsWith("f.yaml:2: a tab at the beginning of the line"));
  EXPECT_THAT(fault("a: 1\nb: \xff\n"), AllOf(StartsWith("f.yaml:2: the text is not UTF-8"), HasSubstr("save")));
  EXPECT_THAT(fault("a: 1\n# \x1b]0;title\x07\n"), StartsWith("f.yaml:2: a control character"));
  EXPECT_THAT(fault("a: 1 # \u009b31m\n"), StartsWith("f.yaml:1: a control character"));
  EXPECT_THAT(fault("a: 1 # \x7f\r\n"), StartsWith("f.yaml:1: a control character"));
  EXPECT_THAT(fault("a: *nowhere\n"), StartsWith("f.yaml:1:"));
  EXPECT_THAT(fault(std::string(10'000, '[')), StartsWith("f.yaml:"));
}

TEST(YamlReader, AMappingHasOnlyKnownKeysAndEachOnce) {
  const auto keys = [](const YAML::Node& node) {
    reader.expect_keys(node, "a target", {"secret", "contexts"});
    return 0;
  };
  EXPECT_EQ(fault("{secret: a, contexts: b}", keys), "no fault");
  EXPECT_EQ(fault("{}", keys), "no fault");
  EXPECT_THAT(fault("secret: a\ncontext: b\n", keys),
              AllOf(StartsWith("f.yaml:2:1: unknown key \"context\" in a target"), HasSubstr("\"contexts\"?")));
  EXPECT_THAT(fault("secret: a\nsecret: b\n", keys), StartsWith("f.yaml:2:1: duplicate key \"secret\""));
  EXPECT_THAT(fault("[secret]", keys), HasSubstr("a target must be a mapping"));
  EXPECT_THAT(fault("[a]: b", keys), HasSubstr("a key must be one value"));
  EXPECT_THAT(fault("\"a\\e[2J\": b", keys), testing::Not(HasSubstr("\x1b")));
}

TEST(YamlReader, AChoiceIsOneOfTheWords) {
  const auto choice = [](const YAML::Node& node) { return reader.choice(node, "onLogout", {"keep", "remove"}); };
  EXPECT_EQ(value_of("remove", choice), "remove");
  EXPECT_THAT(fault("Remove", choice), AllOf(HasSubstr("unsupported value \"Remove\""), HasSubstr("keep or remove")));
  EXPECT_THAT(fault("[keep]", choice), HasSubstr("one value"));
  const auto flag = [](const YAML::Node& node) { return reader.boolean(node, "pin"); };
  EXPECT_TRUE(value_of("true", flag));
  EXPECT_FALSE(value_of("false", flag));
  for (const char* yaml : {"yes", "on", "1", "True", "\"\"", "~"}) {
    EXPECT_NE(fault(yaml, flag), "no fault") << yaml;
  }
}

TEST(YamlReader, ANumberIsWholeAndWithinItsBounds) {
  const auto number = [](const YAML::Node& node) { return reader.number(node, "concurrency", 1, 1000); };
  EXPECT_EQ(value_of("1", number), 1);
  EXPECT_EQ(value_of("1000", number), 1000);
  for (const char* yaml :
       {"0", "1001", "-1", "+1", "1.0", "1e2", "0x10", "\" 1\"", "\"1 \"", "\"\"", "many", "99999999999999999999"}) {
    EXPECT_THAT(fault(yaml, number), HasSubstr("use a number from 1 to 1000")) << yaml;
  }
}

TEST(YamlReader, ADurationIsASecondOrMore) {
  const auto duration = [](const YAML::Node& node) { return reader.duration(node, "refresh"); };
  EXPECT_EQ(value_of("1m30s", duration), 90s);
  EXPECT_EQ(value_of("1999ms", duration), 1s);
  for (const char* yaml : {"0s", "999ms", "-1h", "6", "soon", "\"\""}) {
    EXPECT_THAT(fault(yaml, duration), HasSubstr("invalid duration")) << yaml;
  }
}

TEST(YamlReader, ADateIsADayOfTheCalendarAsIso8601WritesIt) {
  const auto date = [](const YAML::Node& node) { return reader.date(node, "expires"); };
  using std::chrono::year;
  EXPECT_EQ(value_of("2027-01-31", date), std::chrono::sys_days(year(2027) / 1 / 31));
  EXPECT_EQ(value_of("2028-02-29", date), std::chrono::sys_days(year(2028) / 2 / 29));
  for (const char* yaml : {"2027-02-29", "2027-13-01", "2027-00-10", "2027-01-00", "2027-01-32", "27-01-31",
                           "2027-1-31", "\"2027- 1-31\"", "\" 2027-01-31\"", "\"2027-01-31 \"", R"("2027-01-31\0x")",
                           "+2027-01-31", "2027-01-31T00:00:00Z", "31.01.2027", "2027-01", "\"\"", "soon"}) {
    EXPECT_THAT(fault(yaml, date), AllOf(HasSubstr("invalid date"), HasSubstr("2027-01-31"))) << yaml;
  }
}

// Each alias is a copy: a file of 160 KB would take gigabytes.
TEST(YamlReader, AliasesDoNotMakeMoreOfAFileThanAFileMayHold) {
  const auto list = [](const YAML::Node& node) { return reader.list(node, "registries"); };
  const auto repeating = [](std::size_t bytes, int times) {
    std::string yaml = "[&a " + std::string(bytes, 'x');
    for (int i = 1; i < times; ++i) {
      yaml += ", *a";
    }
    return yaml + "]";
  };
  EXPECT_THAT(value_of(repeating(1024, 1024), list), testing::SizeIs(1024));
  EXPECT_THAT(fault(repeating(1024, 1025), list), AllOf(StartsWith("f.yaml:1:"), HasSubstr("larger than 1 MiB")));
  const auto map = [](const YAML::Node& node) { return reader.map(node, "credHelpers", &YamlReader::text); };
  EXPECT_THAT(fault("a: &a " + std::string(600'000, 'x') + "\nb: *a\n", map), HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(value_of(repeating(1024, 1024), list), testing::SizeIs(1024)) << "of each document anew";
}

TEST(YamlReader, AMapSaysOneThingOfEachKey) {
  const auto map = [](const YAML::Node& node) { return reader.map(node, "credHelpers", &YamlReader::text); };
  EXPECT_EQ(value_of("{ghcr.io: a, quay.io: b}", map),
            (std::map<std::string, std::string>{{"ghcr.io", "a"}, {"quay.io", "b"}}));
  EXPECT_THAT(value_of("{}", map), IsEmpty());
  EXPECT_THAT(fault("ghcr.io: a\nghcr.io: b\n", map), StartsWith("f.yaml:2:1: duplicate key \"ghcr.io\""));
  EXPECT_THAT(fault("[a]", map), HasSubstr("credHelpers must be a mapping"));
  EXPECT_THAT(fault("ghcr.io: [a]", map), HasSubstr("credHelpers must be one value"));
}

TEST(YamlReader, AListOfOneNeedsNoBrackets) {
  const auto list = [](const YAML::Node& node) { return reader.list(node, "contexts"); };
  EXPECT_THAT(value_of("[dev, prod]", list), ElementsAre("dev", "prod"));
  EXPECT_THAT(value_of("- dev\n- 012\n", list), ElementsAre("dev", "012"));
  EXPECT_THAT(value_of("dev", list), ElementsAre("dev"));
  EXPECT_THAT(value_of("~", list), IsEmpty());
  EXPECT_THAT(value_of("[]", list), IsEmpty());
  EXPECT_THAT(fault("{dev: prod}", list), HasSubstr("contexts must be a list"));
  EXPECT_THAT(fault("[[dev]]", list), HasSubstr("contexts must be one value"));
  EXPECT_THAT(fault("[dev, ~]", list), HasSubstr("contexts must be one value"));
}

}  // namespace
}  // namespace regsync
