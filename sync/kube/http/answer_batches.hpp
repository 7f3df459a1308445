// AnswerBatches decides when to read the answers of many requests. With many requests on one connection, answers arrive
// one by one, and each wakes us for a few hundred bytes. While a server has enough other requests to work on, nothing
// is lost by leaving its answers in the kernel until several have arrived.
//
// With 64 applies in flight it saves a quarter of our CPU time per apply (tests/bench/http-parts).
//
// Only the policy, based on the times of past answers; CurlMulti implements it (SO_RCVLOWAT and a timer). Lives on the
// io_context thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace regsync::kube {

class AnswerBatches {
 public:
  // The number of requests from which on an answer can wait.
  static constexpr std::size_t many = 16;

  // Read once this many bytes have arrived, or this much time has passed.
  struct Batch {
    int bytes = 1;
    std::chrono::steady_clock::duration time;
  };

  // A request ended: its duration, the size of its answer, and whether others can share its connection.
  void note_answer(std::chrono::microseconds taken, std::int64_t bytes, bool multiplexed);
  // A TLS handshake ended.
  void note_handshake(std::chrono::microseconds taken);

  // Whether batches pay off with this many requests: they share one connection, and are many.
  [[nodiscard]] bool pay(std::size_t requests) const { return multiplexed_ && requests >= many; }
  // What to wait for before the next read; nullopt if the server answers so fast that a timer does not pay off.
  [[nodiscard]] std::optional<Batch> next(std::size_t requests) const;

 private:
  // Moving averages per request.
  std::chrono::microseconds answer_time_{};
  std::int64_t answer_bytes_ = 0;
  // The time of a round trip: that of the fastest TLS handshake, which takes one round trip, costs the server little,
  // and goes all the way to the server if a proxy only forwards bytes.
  std::chrono::microseconds network_time_ = std::chrono::microseconds::max();
  bool multiplexed_ = false;
};

}  // namespace regsync::kube
