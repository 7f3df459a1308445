#include "daemon/http/loop_question.hpp"

#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <future>
#include <thread>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;
using Report = LoopQuestion::Report;

Report report(const std::string& role) {
  auto made = std::make_shared<FleetReport>();
  made->role = role;
  return made;
}

// A thread of a server asks.
std::future<Report> ask(const LoopQuestion& question, std::chrono::milliseconds time) {
  return std::async(std::launch::async, [&question, time] { return question.ask(time); });
}

std::future<bool> ask_whether_it_turns(const LoopQuestion& question, std::chrono::milliseconds time) {
  return std::async(std::launch::async, [&question, time] { return question.turns(time); });
}

class LoopQuestionTest : public testing::Test {
 protected:
  // Runs the loop in this thread until the answer is there.
  template <typename Answer>
  Answer answer_of(std::future<Answer> asked) {
    while (asked.wait_for(0ms) != std::future_status::ready) {
      io_.run_for(1ms);
      io_.restart();
    }
    return asked.get();
  }

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
};

TEST_F(LoopQuestionTest, IsAnsweredOnTheLoopsThread) {
  const auto loop = std::this_thread::get_id();
  const LoopQuestion question(io_.get_executor(), [&] {
    EXPECT_EQ(std::this_thread::get_id(), loop);
    return report("leads");
  });
  const Report answer = answer_of(ask(question, 30s));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->role, "leads");
}

TEST_F(LoopQuestionTest, ManyMayAskAtOnce) {
  int looks = 0;
  const LoopQuestion question(io_.get_executor(), [&] { return report(std::to_string(++looks)); });
  std::vector<std::future<Report>> asked;
  for (int i = 0; i < 8; ++i) {
    asked.push_back(ask(question, 30s));
  }
  for (auto& each : asked) {
    EXPECT_TRUE(answer_of(std::move(each)));
  }
  EXPECT_EQ(looks, 8);
}

TEST_F(LoopQuestionTest, ALoopThatDoesNotTurnGivesNoAnswer) {
  const LoopQuestion question(io_.get_executor(), [] { return report(""); });
  EXPECT_FALSE(ask(question, 5ms).get());
  EXPECT_FALSE(ask_whether_it_turns(question, 5ms).get());
  io_.poll();  // the answers come too late, and find nobody
}

TEST_F(LoopQuestionTest, AReportThatCannotBeMadeIsToldAndTheLoopTurnsAllTheSame) {
  bool fails = true;
  const LoopQuestion question(io_.get_executor(), [&]() -> Report {
    if (fails) {
      throw Error(ErrorCode::internal, "a defect");
    }
    return report("");
  });
  try {
    answer_of(ask(question, 1h));  // nobody waits for the end of the time
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "the report cannot be made: a defect");
  }
  EXPECT_TRUE(answer_of(ask_whether_it_turns(question, 1h)));
  fails = false;
  EXPECT_TRUE(answer_of(ask(question, 30s)));
}

TEST_F(LoopQuestionTest, OnceItIsClosedNobodyWaits) {
  std::optional<LoopQuestion> question;
  question.emplace(io_.get_executor(), [] { return report(""); });
  auto waiting = ask(*question, 1h);
  question->close();
  EXPECT_FALSE(waiting.get());
  EXPECT_FALSE(ask(*question, 1h).get());
  EXPECT_FALSE(ask_whether_it_turns(*question, 1h).get());
  question.reset();
  io_.poll();  // what was posted is answered by nobody
}

}  // namespace
}  // namespace regsync
