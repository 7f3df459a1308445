#include "sync/base/time_slice.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "helper/base/error.hpp"
#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

void keep_busy(std::chrono::milliseconds time) {
  for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
  }
}

TEST(TimeSlice, IsOverAfterSomeMilliseconds) {
  TimeSlice slice;
  keep_busy(50ms);
  EXPECT_TRUE(slice.is_over());
}

TEST(TimeSlice, HandingOverLetsTheLoopRunWhatIsDueAndBeginsTheNextSlice) {
  asio::io_context loop;
  bool ran = false;
  test::run(loop, [](asio::io_context& on, bool& other) -> asio::awaitable<void> {
    TimeSlice slice;
    keep_busy(50ms);
    asio::post(on, [&other] { other = true; });
    EXPECT_FALSE(other);
    co_await slice.hand_over();
    EXPECT_TRUE(other);
    EXPECT_FALSE(slice.is_over());
  }(loop, ran));
}

TEST(TimeSlice, EndsWorkThatIsCancelled) {
  asio::io_context loop;
  asio::cancellation_signal stop;
  std::exception_ptr failure;
  const auto work = [](asio::io_context& on, asio::cancellation_signal& cancel) -> asio::awaitable<void> {
    TimeSlice slice;
    asio::post(on, [&cancel] { cancel.emit(asio::cancellation_type::terminal); });
    co_await slice.hand_over();
    ADD_FAILURE() << "it goes on";
  };
  asio::co_spawn(loop, work(loop, stop),
                 asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr why) { failure = std::move(why); }));
  loop.run();
  ASSERT_TRUE(failure);
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace regsync
