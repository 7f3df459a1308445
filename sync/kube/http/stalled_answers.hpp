// Answers that stop halfway. libcurl 7.88 can lose track of what it has read, when the buffer of a stream is full while
// another one is read:
//  - What follows in what was read from the connection waits until somebody reads again (cf_h2_data_pending compares
//    the wrong way round). So as long as an answer takes bytes, and is so large that it may have filled its buffer, the
//    connection is read once more.
//  - The end of the stream waits until the next byte comes over the connection (nghttp2 was paused in the last frame,
//    and is called only with bytes). So who has a part of an answer, and hears nothing, asks for something small.
//
// Keeps track of the answers of which a part is here. Lives on the io_context thread.
#pragma once

#include <curl/curl.h>

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "sync/kube/http/silent_peer.hpp"

namespace regsync::kube {

// What is known of an answer of which a part is here.
class PartialAnswer {
 public:
  PartialAnswer() = default;
  PartialAnswer(const PartialAnswer&) = delete;
  PartialAnswer& operator=(const PartialAnswer&) = delete;
  PartialAnswer(PartialAnswer&&) = delete;
  PartialAnswer& operator=(PartialAnswer&&) = delete;
  virtual ~PartialAnswer() = default;

  [[nodiscard]] virtual bool is_stream() const = 0;
  [[nodiscard]] virtual curl_off_t body_bytes() const = 0;  // of its body, those that libcurl has taken so far
  virtual void ask() = 0;                                   // asks the peer for something small
};

class StalledAnswers {
 public:
  // `read_again` is called at the end of a turn, and reads the connections after it. `may_ask` says whether a transfer
  // may ask for something small now. With `enabled` false nothing is done. The peer outlives this.
  StalledAnswers(const asio::any_io_executor& executor, const SilentPeer& peer, bool enabled,
                 std::function<void()> read_again, std::function<bool()> may_ask);

  // The head of its answer has come; and no more comes.
  void begin(PartialAnswer& answer);
  void end(PartialAnswer& answer);

  // libcurl has done what there was to do.
  void end_turn();

 private:
  struct Answer {
    PartialAnswer* part = nullptr;
    curl_off_t bytes = 0;  // of the body, so far
    bool asked = false;    // since the last of them
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
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // handlers of the timer hold it weakly
};

}  // namespace regsync::kube
