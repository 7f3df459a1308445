#include "daemon/http/loop_question.hpp"

#include <asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "helper/base/guarded.hpp"

namespace regsync {

struct LoopQuestion::Shared {
  std::function<Report()> make_report;  // used on the loop's thread only
  std::mutex mutex;
  std::condition_variable answered;
  bool closed = false;
};

LoopQuestion::LoopQuestion(asio::any_io_executor executor, std::function<Report()> make_report)
    : executor_(std::move(executor)), shared_(std::make_shared<Shared>()) {
  shared_->make_report = std::move(make_report);
}

LoopQuestion::~LoopQuestion() { close(); }

LoopQuestion::Report LoopQuestion::ask(std::chrono::milliseconds time) const {
  struct Answer {
    Report report;
    std::optional<Error> failed;
  };
  const auto answer = std::make_shared<Answer>();
  const bool in_time = run(time, [shared = shared_, answer] {
    answer->failed = guarded([&] { answer->report = shared->make_report ? shared->make_report() : nullptr; });
  });
  if (!in_time) {
    return nullptr;  // do not touch *answer: the loop may be writing it
  }
  if (answer->failed) {
    throw Error(answer->failed->within("the report cannot be made"));
  }
  return answer->report;
}

bool LoopQuestion::turns(std::chrono::milliseconds time) const {
  return run(time, [] {});
}

bool LoopQuestion::run(std::chrono::milliseconds time, std::function<void()> work) const {
  const auto done = std::make_shared<bool>(false);
  asio::post(executor_, [shared = shared_, done, work = std::move(work)] {
    work();
    const std::scoped_lock lock(shared->mutex);
    *done = true;
    shared->answered.notify_all();
  });
  std::unique_lock lock(shared_->mutex);
  shared_->answered.wait_for(lock, time, [&] { return shared_->closed || *done; });
  return *done;
}

void LoopQuestion::close() {
  shared_->make_report = nullptr;
  const std::scoped_lock lock(shared_->mutex);
  shared_->closed = true;
  shared_->answered.notify_all();
}

}  // namespace regsync
