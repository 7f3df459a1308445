#include "sync/cli/view/path_expression.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sync/cli/view/console.hpp"

namespace regsync::cli {
namespace {

const nlohmann::json document = nlohmann::json::parse(R"({"kind": "L", "items": [
  {"name": "a", "state": "InSync", "n": 1, "labels": {"x.y": "1"}, "list": ["p", "q"]},
  {"name": "b", "state": "Stuck", "cause": {"reason": "Forbidden"}}]})");

TEST(PathExpression, LeadsToValues) {
  for (const auto& [path, text] : std::initializer_list<std::pair<const char*, const char*>>{
           {"{.kind}", "L"},
           {"{$.kind}", "L"},
           {".kind", "L"},
           {"{.items[*].name}", "a b"},
           {"{.items[0].name}", "a"},
           {"{.items[-1].name}", "b"},
           {"{.items[7].name}", ""},
           {"{.items[0].labels['x.y']}", "1"},
           {"{.items[0].list}", R"(["p","q"])"},
           {"{.items[0].list[*]}", "p q"},
           {"{.items[0].n}", "1"},
           {"{.items[*].cause.reason}", "Forbidden"},
           {"{.items[?(@.state==\"Stuck\")].name}", "b"},
           {"{.items[?(@.state!='Stuck')].name}", "a"},
           {"{.items[?(@.n==1)].name}", "a"},
           {"{.missing.deep}", ""},
           {"one {.kind} two", "one L two"},
           {R"({range .items[*]}{.name}={.state}{"\n"}{end}!)", "a=InSync\nb=Stuck\n!"},
           {"{range .nothing[*]}{.name}{end}", ""}}) {
    EXPECT_EQ(expand(document, path), text) << path;
  }
}

TEST(PathExpression, ATabThatWasAskedForIsOneAndNoValueDrivesTheTerminal) {
  EXPECT_EQ(expand({{"name", "a\x1b[2J"}}, R"({.name}{"\t"}{.name})"), "a?[2J\ta?[2J");
}

TEST(PathExpression, WhatIsNotUnderstoodIsRefused) {
  for (const char* path : {"{.items[0:2]}", "{..name}", "{.a b}", "{.items[}", "{.items", "{end}",
                           "{range .items[*]}{.name}", "{.items[?(@.n)]}", "{.kind|upper}"}) {
    EXPECT_THROW(expand(document, path), UsageError) << path;
  }
}

}  // namespace
}  // namespace regsync::cli
