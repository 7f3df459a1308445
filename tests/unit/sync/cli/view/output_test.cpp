#include "sync/cli/view/output.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <clocale>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sync/cli/view/fold.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

std::string printed(const Table& table, bool colour = false) {
  (void)std::setlocale(LC_CTYPE, "C.UTF-8");
  std::ostringstream out;
  table.print(out, colour);
  return out.str();
}

TEST(Table, AlignsByWhatShowsNotByBytes) {
  Table table({"NAME", "WHERE", "STATE"});
  table.add({"a", "Zürich", "InSync"});
  table.add({"日本語", "x", "Stuck"});
  EXPECT_EQ(printed(table),
            "NAME     WHERE    STATE\n"
            "a        Zürich   InSync\n"
            "日本語   x        Stuck\n");
}

TEST(Table, AnEmptyCellIsNoneAndNoLineEndsInBlanks) {
  Table table({"NAME", "CAUSE"});
  table.add({"long-name", ""});
  EXPECT_EQ(printed(table), "NAME        CAUSE\nlong-name   <none>\n");
}

TEST(Table, ColoursDoNotMoveColumns) {
  Table table({"STATE", "SINCE"});
  table.add({{"InSync", Colour::green}, "5s"});
  EXPECT_EQ(printed(table, true), "STATE    SINCE\n\x1b[32mInSync\x1b[0m   5s\n");
}

TEST(Table, ACellIsOneLineWithoutControlCharacters) {
  Table table({"A", "B"});
  table.add({"two\nlines\x1b[2J", "b"});
  EXPECT_EQ(printed(table), "A               B\ntwo lines?[2J   b\n");
}

TEST(Table, RowsThatDoNotFitBreakAtTheSameCell) {
  Table table({"TARGET", "CONTEXT", "SECRET", "WHY"});
  table.add({"web", "dev", "pull-secret-of-web", "the right is missing here"});
  table.add({"billing", "production-europe-10", "x", "it was missing"});
  (void)std::setlocale(LC_CTYPE, "C.UTF-8");
  std::ostringstream out;
  set_columns(out, 47);
  table.print(out, false);
  EXPECT_EQ(out.str(),
            "TARGET    CONTEXT\n"
            "  SECRET               WHY\n"
            "web       dev\n"
            "  pull-secret-of-web   the right is missing\n"
            "                       here\n"
            "billing   production-europe-10\n"
            "  x                    it was missing\n");
}

TEST(Yaml, ReadsBackAsTheSameValues) {
  const json value = {{"name", "web"},
                      {"yes", "yes"},
                      {"number", "012"},
                      {"empty", ""},
                      {"version", "1.20"},
                      {"count", 3},
                      {"on", true},
                      {"none", nullptr},
                      {"list", {"a", "~"}},
                      {"nothing", json::array()},
                      {"text", "a: b # c\n\"d\""},
                      {"selector", "env in (prod)"}};
  const YAML::Node node = YAML::Load(to_yaml_text(value));
  for (const auto& [key, item] : value.items()) {
    if (item.is_string()) {
      EXPECT_EQ(node[key].as<std::string>(), item.get<std::string>());
      // Quoted wherever a reader could take it for something else than text.
      EXPECT_TRUE(node[key].Tag() == "!" || (node[key].Tag() == "?" && key == "name")) << key << node[key].Tag();
    }
  }
  EXPECT_EQ(node["count"].as<int>(), 3);
  EXPECT_TRUE(node["on"].as<bool>());
  EXPECT_TRUE(node["none"].IsNull());
  EXPECT_EQ(node["list"][1].Tag(), "!");
  EXPECT_EQ(node["nothing"].size(), 0U);
}

TEST(Structured, ChangesNoTerminalAndReadsBackAsTheSameValues) {
  const std::string canary = "x\x1b]0;p\x07\u009b2J\x7f\u202e\u2066\u2028\u0085\ty";
  const json value{{canary, {canary, "plain"}}};
  const auto expect_tame = [](const std::string& text) {
    for (std::string_view rest = text; !rest.empty();) {
      const auto point = take_code_point(rest);
      ASSERT_TRUE(point);
      EXPECT_TRUE(*point == U'\n' || !changes_the_terminal(*point)) << static_cast<unsigned>(*point) << " in " << text;
    }
  };
  for (const std::string& text : {to_json_text(value), to_json_text(value, 2)}) {
    expect_tame(text);
    EXPECT_EQ(json::parse(text), value);
  }
  const std::string yaml = to_yaml_text(value);
  expect_tame(yaml);
  EXPECT_EQ(YAML::Load(yaml)[canary][0].as<std::string>(), canary);
}

TEST(Json, BytesThatAreNoUtf8DoNotBreakIt) {
  std::ostringstream out;
  print_structured(out, {{"path", "a\xFF"}}, Format::json);
  EXPECT_EQ(json::parse(out.str())["path"], "a\xEF\xBF\xBD");
}

TEST(PrintError, EndsInTheRemedy) {
  std::ostringstream err;
  print_error(err, Error(ErrorCode::not_found, "there is no target \"wbe\"", "did you mean \"web\"?"));
  EXPECT_EQ(err.str(), "error: there is no target \"wbe\"\nhint: did you mean \"web\"?\n");
}

}  // namespace
}  // namespace regsync::cli
