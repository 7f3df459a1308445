#include "sync/engine/engine_status.hpp"

#include <gmock/gmock.h>

#include "tests/unit/sync/engine/engine_parts.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

class EngineStatusTest : public EngineParts {
 protected:
  std::vector<Error> notes() { return status_.report({.targets = {"t"}}).notes; }

  LoginBook login_book_{io_.get_executor(), nullptr, {}, grace, {.on_wanted = [](const auto&) {}, .on_change = [] {}}};
  EngineStatus status_{state_since(WallTime()), login_book_, "id"};
};

TEST_F(EngineStatusTest, WhatARemovedTargetLeftIsToldForADay) {
  const WallTime now = std::chrono::system_clock::now();
  status_.note_left("t", "dev", {Error(ErrorCode::not_owned, "somebody else's")}, now);
  status_.note_left("t", "prod", {}, now);
  EXPECT_THAT(notes(), SizeIs(1));
  status_.note_left("other", "dev", {}, now + 23h);
  EXPECT_THAT(notes(), SizeIs(1));
  status_.note_left("other", "dev", {}, now + 25h);
  EXPECT_THAT(notes(), IsEmpty());
}

TEST_F(EngineStatusTest, TheFleetKnowsAProblemOfItsContextsFromThoseOfATarget) {
  EXPECT_FALSE(status_.fleet().contexts_problem);
  declare(target());
  const Error problem(ErrorCode::unreachable, "the hub does not answer");
  contexts_.set_kubeconfig_problem(problem);
  const FleetReport fleet = status_.fleet();
  EXPECT_EQ(fleet.contexts_problem, problem);
  ASSERT_THAT(fleet.overview.targets, SizeIs(1));
  EXPECT_THAT(fleet.overview.targets[0].problems, testing::Contains(problem));
}

}  // namespace
}  // namespace regsync
