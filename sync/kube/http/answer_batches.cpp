#include "sync/kube/http/answer_batches.hpp"

#include <algorithm>

namespace regsync::kube {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int part = 3;                   // a third of the bytes in flight, and of the time at the server
constexpr milliseconds shortest_wait(3);  // at the server: a shorter time is not worth a timer
constexpr milliseconds longest_wait(20);
constexpr std::int64_t most_bytes = 64 * 1024;

}  // namespace

void AnswerBatches::note_answer(microseconds taken, std::int64_t bytes, bool multiplexed) {
  answer_time_ += (taken - answer_time_) / 8;
  answer_bytes_ += (bytes - answer_bytes_) / 8;
  multiplexed_ = multiplexed;
}

void AnswerBatches::note_handshake(microseconds taken) { network_time_ = std::min(network_time_, taken); }

std::optional<AnswerBatches::Batch> AnswerBatches::next(std::size_t requests) const {
  // Requests and answers in transit do not give a distant server any work.
  const auto at_server = std::max(answer_time_ - network_time_, microseconds(0));
  if (at_server < shortest_wait) {
    return std::nullopt;
  }
  const auto awaited = static_cast<std::int64_t>(requests) * answer_bytes_;
  const auto bytes = awaited * at_server.count() / answer_time_.count() / part;
  return Batch{static_cast<int>(std::clamp<std::int64_t>(bytes, 1, most_bytes)),
               std::min<std::chrono::steady_clock::duration>(at_server / part, longest_wait)};
}

}  // namespace regsync::kube
