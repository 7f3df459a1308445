// Lets threads of a server ask the event loop for the report, and whether it turns.
//
// Lives on the io_context thread; ask() and turns() are called on any other one, and block it.
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

  // make_report is called on the executor's thread, where this is made and destroyed too.
  LoopQuestion(asio::any_io_executor executor, std::function<Report()> make_report);
  ~LoopQuestion();
  LoopQuestion(const LoopQuestion&) = delete;
  LoopQuestion& operator=(const LoopQuestion&) = delete;
  LoopQuestion(LoopQuestion&&) = delete;
  LoopQuestion& operator=(LoopQuestion&&) = delete;

  // On any thread but the executor's. Null where the loop does not answer in time, or has closed this. Throws Error
  // where make_report did.
  [[nodiscard]] Report ask(std::chrono::milliseconds time) const;
  // Likewise. Whether the loop does anything that is posted to it, in time: a report that cannot be made is no reason
  // to start the process again.
  [[nodiscard]] bool turns(std::chrono::milliseconds time) const;

  // Whoever waits gets no answer now, and nobody waits any more: what a server needs that ends on the loop's thread.
  void close();

 private:
  struct Shared;
  // Whether the loop has done this, which must not throw, in time.
  bool run(std::chrono::milliseconds time, std::function<void()> work) const;

  asio::any_io_executor executor_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace regsync
