#include "sync/kube/http/answer_batches.hpp"

#include <algorithm>
#include <cstdint>

namespace regsync::kube {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int part = 3;                   // a third of what is under way, and of the time that it takes
constexpr milliseconds shortest_wait(3);  // at the server: less is not worth a timer
constexpr milliseconds longest_wait(20);
constexpr std::int64_t most_bytes = 64 * 1024;

}  // namespace

void AnswerBatches::note_answer(CURL* easy) {
  curl_off_t taken = 0;
  curl_off_t bytes = 0;
  long version = CURL_HTTP_VERSION_NONE;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &taken);
  curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  answer_time_ += (microseconds(taken) - answer_time_) / 8;
  answer_bytes_ += (bytes - answer_bytes_) / 8;
  multiplexed_ = version == CURL_HTTP_VERSION_2_0;
}

void AnswerBatches::note_connection(CURL* easy) {
  long made = 0;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
  if (made == 0) {
    return;
  }
  curl_off_t connected = 0;
  curl_off_t secured = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
  curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secured);
  if (secured > connected) {
    network_time_ = std::min(network_time_, microseconds(secured - connected));
  }
}

std::optional<AnswerBatches::Batch> AnswerBatches::next(std::size_t requests) const {
  // Requests on their way to a distant server, and answers on theirs from it, are nothing that it could go on with.
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
