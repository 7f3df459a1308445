// Finishes answers that stop halfway. libcurl 7.88 can lose track of data that it has read if the buffer of a stream is
// full while another stream is read:
//  - The rest of the data read from the connection waits until the next read (cf_h2_data_pending has an inverted
//    comparison). So as long as an answer receives bytes and may have filled its buffer, the connection is read once
//    more.
//  - The end of the stream waits until the next byte arrives on the connection (nghttp2 was paused in the last frame,
//    and is called only with bytes). So a transfer with a partial answer and no news sends a small request.
//
// Keeps track of partially received answers. Lives on the io_context thread.
#pragma once

#include <curl/curl.h>

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "sync/kube/http/silent_peer.hpp"

namespace regsync::kube {

// A partially received answer.
class PartialAnswer {
 public:
  PartialAnswer() = default;
  PartialAnswer(const PartialAnswer&) = delete;
  PartialAnswer& operator=(const PartialAnswer&) = delete;
  PartialAnswer(PartialAnswer&&) = delete;
  PartialAnswer& operator=(PartialAnswer&&) = delete;
  virtual ~PartialAnswer() = default;

  [[nodiscard]] virtual bool is_stream() const = 0;
  [[nodiscard]] virtual curl_off_t body_bytes() const = 0;  // bytes of the body that libcurl has received
  virtual void ask() = 0;                                   // sends the peer a small request
};

class StalledAnswers {
 public:
  // `read_again` is called at the end of a turn, and reads the connections after it. `may_ask` returns whether a
  // transfer may send a small request now. Does nothing if `enabled` is false. The peer must outlive this object.
  StalledAnswers(const asio::any_io_executor& executor, const SilentPeer& peer, bool enabled,
                 std::function<void()> read_again, std::function<bool()> may_ask);

  // begin(): the head of the answer has arrived. end(): no more arrives.
  void begin(PartialAnswer& answer);
  void end(PartialAnswer& answer);

  // libcurl has handled all events.
  void end_turn();

 private:
  struct Answer {
    PartialAnswer* part = nullptr;
    curl_off_t bytes = 0;  // of the body so far
    bool asked = false;    // since the last of these bytes
  };
  [[nodiscard]] static bool wants_rest(const Answer& answer);
  void wait_for_rest();
  void ask_for_rest();

  const SilentPeer& peer_;
  const bool enabled_;
  const std::function<void()> read_again_;
  const std::function<bool()> may_ask_;
  asio::steady_timer rest_;
  bool waiting_ = false;
  std::vector<Answer> answers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // the timer's handlers hold it weakly
};

}  // namespace regsync::kube
