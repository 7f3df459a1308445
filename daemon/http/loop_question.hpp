// LoopQuestion lets server threads ask the event loop for the report, and check that the loop runs.
//
// Lives on the io_context thread; ask() and turns() are called on other threads and block them.
#pragma once

#include <asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "sync/model/fleet_report.hpp"

namespace regsync {

class LoopQuestion {
 public:
  using Report = std::shared_ptr<const FleetReport>;

  // make_report is called on the executor's thread, where this object must also be constructed and destroyed.
  LoopQuestion(asio::any_io_executor executor, std::function<Report()> make_report);
  ~LoopQuestion();
  LoopQuestion(const LoopQuestion&) = delete;
  LoopQuestion& operator=(const LoopQuestion&) = delete;
  LoopQuestion(LoopQuestion&&) = delete;
  LoopQuestion& operator=(LoopQuestion&&) = delete;

  // Call it on any thread but the executor's. Returns null if the loop does not answer in time, or after close().
  // Throws Error if make_report threw.
  [[nodiscard]] Report ask(std::chrono::milliseconds time) const;
  // Whether the loop runs a posted function in time; same threads as ask(). It makes no report, since a failing report
  // is no reason to restart the process.
  [[nodiscard]] bool turns(std::chrono::milliseconds time) const;

  // Makes all present and future calls return at once without an answer. Call it before a server is stopped on the
  // loop's thread, since the server waits for these calls.
  void close();

 private:
  struct Shared;
  // Whether the loop ran `work`, which must not throw, in time.
  bool run(std::chrono::milliseconds time, std::function<void()> work) const;

  asio::any_io_executor executor_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace regsync
