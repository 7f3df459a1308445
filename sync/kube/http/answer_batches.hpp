// AnswerBatches decides when to read the answers of many requests. With many requests on one connection, answers come
// one by one, and each wakes us for a few hundred bytes. While a server has enough other requests to work on, nothing
// is lost by leaving its answers in the kernel until several are there.
//
// With 64 applies in flight it saves a quarter of our processor time for each (tests/bench/http-parts).
//
// The policy alone, from what past answers took; CurlMulti carries it out (SO_RCVLOWAT and a timer). Lives on the
// io_context thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace regsync::kube {

class AnswerBatches {
 public:
  // So many requests that an answer can wait.
  static constexpr std::size_t many = 16;

  // Until there are so many bytes, or so much time is over.
  struct Batch {
    int bytes = 1;
    std::chrono::steady_clock::duration time;
  };

  // A request ended: what it took, its answer's bytes, and whether others can share its connection.
  void note_answer(std::chrono::microseconds taken, std::int64_t bytes, bool multiplexed);
  // A TLS handshake ended.
  void note_handshake(std::chrono::microseconds taken);

  // Whether so many requests share one connection.
  [[nodiscard]] bool pay(std::size_t requests) const { return multiplexed_ && requests >= many; }
  // What to wait for before the next read; nothing where the server answers so fast that no timer is worth it.
  [[nodiscard]] std::optional<Batch> next(std::size_t requests) const;

 private:
  // Of a request, moving averages.
  std::chrono::microseconds answer_time_{};
  std::int64_t answer_bytes_ = 0;
  // Of a round trip: the fastest TLS handshake, which is one, with next to no work for the server, and all the way to
  // it where a proxy only passes bytes on.
  std::chrono::microseconds network_time_ = std::chrono::microseconds::max();
  bool multiplexed_ = false;
};

}  // namespace regsync::kube
