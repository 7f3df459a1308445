// Waits for a condition, and skips or fails a test that lacks a required program or server.
#pragma once

#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

// Ends a test that lacks a required program or server: a visible skip on a developer's machine, a failure under
// CI=true.
#define SKIP_OR_FAIL(reason)                      \
  do {                                            \
    if (::regsync::test::under_ci()) {            \
      FAIL() << "missing under CI: " << (reason); \
    } else {                                      \
      GTEST_SKIP() << (reason);                   \
    }                                             \
  } while (false)

namespace regsync::test {

inline bool under_ci() {
  const char* value = std::getenv("CI");
  return value != nullptr && std::string_view(value) == "true";
}

// Whether the predicate becomes true in time. The default suits a busy machine. Calls the predicate at once, then every
// 10 ms, and once more at the end.
template <typename Predicate>
bool wait_until(Predicate predicate, std::chrono::milliseconds time = std::chrono::seconds(30)) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return predicate();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace regsync::test
