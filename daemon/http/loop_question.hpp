// Lets threads of a server ask the event loop for the report. An answer also says that the loop turns.
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

  // On any thread but the executor's. Null where the loop does not answer in time, or has closed this.
  [[nodiscard]] Report ask(std::chrono::milliseconds time) const;

  // Whoever waits gets no answer now, and nobody waits any more: what a server needs that ends on the loop's thread.
  void close();

 private:
  struct Shared;
  asio::any_io_executor executor_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace regsync
