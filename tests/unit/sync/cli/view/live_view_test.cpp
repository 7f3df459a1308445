#include "sync/cli/view/live_view.hpp"

#include <gmock/gmock.h>

#include "tests/unit/sync/cli/fake_console.hpp"

namespace regsync::cli {
namespace {

using test::FakeConsole;
using testing::HasSubstr;
using testing::Not;

class LiveViewTest : public testing::Test {
 protected:
  std::string screen(TerminalSize size = {.columns = 100, .rows = 24}) {
    std::string text;
    for (const std::string& line : view_.lines(report_, false, FakeConsole::noon(), size)) {
      text += line + '\n';
    }
    return text;
  }

  StatusReport report_ = test::summarized(test::sample_report());
  LiveView view_{false, false, false};
};

TEST_F(LiveViewTest, QEndsIt) {
  view_.press("x");
  EXPECT_FALSE(view_.ended());
  view_.press("q");
  EXPECT_TRUE(view_.ended());
}

TEST_F(LiveViewTest, FiltersByATextUntilEscape) {
  view_.press("/pro");
  EXPECT_THAT(screen(), HasSubstr("filter: pro_"));
  view_.press("d\r");
  EXPECT_THAT(screen(), AllOf(HasSubstr("web      prod"), Not(HasSubstr("web      dev")), HasSubstr("filter: prod)")));
  view_.press("q");
  EXPECT_TRUE(view_.ended()) << "keys are keys again";
  view_.press("\x1b");
  EXPECT_THAT(screen(), HasSubstr("web      dev"));
}

TEST_F(LiveViewTest, ScrollsWithinWhatThereIs) {
  const TerminalSize small{.columns = 100, .rows = 5};
  EXPECT_THAT(screen(small), HasSubstr("1-2 of "));
  view_.press("\x1b[B");
  EXPECT_THAT(screen(small), HasSubstr("2-3 of "));
  view_.press("kkkk");
  EXPECT_THAT(screen(small), HasSubstr("1-2 of "));
  view_.press("G");
  const std::string end = screen(small);
  view_.press("  jj");
  EXPECT_EQ(screen(small), end);
  view_.press("g");
  EXPECT_THAT(screen(small), AllOf(HasSubstr("TARGET   CONTEXT"), HasSubstr("1-2 of ")));
}

TEST_F(LiveViewTest, ShowsOnlyWhatFailsInAnotherOrderOrOneByOne) {
  StatusGroup good = report_.groups.front();
  good.target = "calm";
  good.states = {{SyncState::in_sync, 3}};
  good.reasons.clear();
  good.since = FakeConsole::noon();
  report_.groups.push_back(good);
  EXPECT_THAT(screen(), HasSubstr("calm"));
  view_.press("f");
  EXPECT_THAT(screen(), AllOf(Not(HasSubstr("calm")), HasSubstr("only what fails")));
  view_.press("fss");
  const std::string latest = screen();
  EXPECT_LT(latest.find("calm"), latest.find("web ")) << latest;
  view_.press("a");
  EXPECT_TRUE(view_.rows());
}

}  // namespace
}  // namespace regsync::cli
