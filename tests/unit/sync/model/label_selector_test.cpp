#include "sync/model/label_selector.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

struct Case {
  std::string selector;
  Labels labels;
  bool matches;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.selector << " of " << testing::PrintToString(c.labels); }

class LabelSelectorMatches : public testing::TestWithParam<Case> {};

TEST_P(LabelSelectorMatches, AsKubectlWould) {
  const auto& [selector, labels, matches] = GetParam();
  EXPECT_EQ(LabelSelector::parse(selector).matches(labels), matches) << selector;
}

INSTANTIATE_TEST_SUITE_P(
    Table, LabelSelectorMatches,
    testing::Values(Case{"env=prod", {{"env", "prod"}}, true},    //
                    Case{"env==prod", {{"env", "prod"}}, true},   //
                    Case{"env=prod", {{"env", "dev"}}, false},    //
                    Case{"env=prod", {}, false},                  //
                    Case{"env!=prod", {{"env", "dev"}}, true},    //
                    Case{"env!=prod", {}, true},                  //
                    Case{"env!=prod", {{"env", "prod"}}, false},  //
                    Case{"env in (prod,stage)", {{"env", "stage"}}, true},
                    Case{"env in ( prod , stage )", {{"env", "prod"}}, true}, Case{"env in (prod)", {}, false},  //
                    Case{"env notin (prod)", {}, true},                                                          //
                    Case{"env notin (prod)", {{"env", "prod"}}, false}, Case{"env", {{"env", ""}}, true},        //
                    Case{"env", {}, false},                                                                      //
                    Case{"!env", {}, true},                                                                      //
                    Case{"! env", {{"env", "x"}}, false},                                                        //
                    Case{"size>3", {{"size", "4"}}, true},                                                       //
                    Case{"size>3", {{"size", "3"}}, false},                                                      //
                    Case{"size < 3", {{"size", "2"}}, true},                                                     //
                    Case{"size<3", {{"size", "two"}}, false},                                                    //
                    Case{"a=1,b=2", {{"a", "1"}, {"b", "2"}}, true},                                             //
                    Case{"a=1,b=2", {{"a", "1"}}, false},                                                        //
                    Case{"a=", {{"a", ""}}, true},                                                               //
                    Case{"in in (in)", {{"in", "in"}}, true},                                                    //
                    Case{"example.com/team=a", {{"example.com/team", "a"}}, true}, Case{"", {}, true}));

TEST(LabelSelector, RefusesWhatKubectlRefusesAndSaysWhere) {
  for (const std::string& text :
       std::vector<std::string>{"=x", "a b", "a in", "a in (", "a in (b", "a,,b", "a,", "a=b=c", "a>x", "-a=b", "a=-b",
                                "a/b/c=d", "/a=b", "a in (b,c))", std::string(64, 'x')}) {
    try {
      LabelSelector::parse(text);
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input);
      EXPECT_NE(error.message().find("character"), std::string::npos) << error.message();
    }
  }
}

}  // namespace
}  // namespace regsync
