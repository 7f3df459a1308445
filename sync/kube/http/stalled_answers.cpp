#include "sync/kube/http/stalled_answers.hpp"

#include <algorithm>
#include <utility>

#include "sync/base/spawn_guarded.hpp"
#include "sync/kube/http/curl_endpoint.hpp"

namespace regsync::kube {
namespace {

// The time after a part of an answer until a small request is sent to get the rest.
constexpr std::chrono::milliseconds pause_within_answer(50);

}  // namespace

StalledAnswers::StalledAnswers(const asio::any_io_executor& executor, const SilentPeer& peer, bool enabled,
                               std::function<void()> read_again, std::function<bool()> may_ask)
    : peer_(peer),
      enabled_(enabled),
      read_again_(std::move(read_again)),
      may_ask_(std::move(may_ask)),
      rest_(executor) {}

void StalledAnswers::begin(PartialAnswer& answer) {
  if (enabled_) {
    answers_.push_back({&answer});
  }
}

void StalledAnswers::end(PartialAnswer& answer) {
  std::erase_if(answers_, [&](const Answer& known) { return known.part == &answer; });
}

bool StalledAnswers::wants_rest(const Answer& answer) { return !answer.part->is_stream() && !answer.asked; }

void StalledAnswers::end_turn() {
  bool taken = false;
  bool waiting = false;
  for (Answer& answer : answers_) {
    const curl_off_t bytes = answer.part->body_bytes();
    if (std::exchange(answer.bytes, bytes) != bytes) {
      taken = taken || bytes >= (answer.part->is_stream() ? stream_buffer : answer_buffer);
      answer.asked = false;
    }
    waiting = waiting || wants_rest(answer);
  }
  if (taken) {
    read_again_();
  }
  if (waiting && !std::exchange(waiting_, true)) {
    wait_for_rest();
  }
}

void StalledAnswers::wait_for_rest() {
  rest_.expires_at(peer_.last_heard() + pause_within_answer);
  rest_.async_wait([this, alive = std::weak_ptr(alive_)](std::error_code /*never cancelled*/) {
    if (!alive.expired()) {
      waiting_ = false;
      guarded_logged("an answer that stopped halfway", [this] { ask_for_rest(); });
    }
  });
}

void StalledAnswers::ask_for_rest() {
  const auto found = std::find_if(answers_.begin(), answers_.end(), &StalledAnswers::wants_rest);
  if (found == answers_.end()) {
    return;
  }
  if (!peer_.is_silent_for(pause_within_answer)) {
    waiting_ = true;
    wait_for_rest();
  } else if (may_ask_()) {
    found->asked = true;
    found->part->ask();
  }
}

}  // namespace regsync::kube
