#include "daemon/http/loop_question.hpp"

#include <asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "sync/base/guard.hpp"

namespace regsync {

struct LoopQuestion::Shared {
  std::function<Report()> make_report;  // on the loop's thread only
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
  const auto answer = std::make_shared<Report>();
  asio::post(executor_, [shared = shared_, answer] {
    guarded_logged("fleet report", [&] {
      Report report = shared->make_report ? shared->make_report() : nullptr;
      const std::scoped_lock lock(shared->mutex);
      *answer = std::move(report);
      shared->answered.notify_all();
    });
  });
  std::unique_lock lock(shared_->mutex);
  shared_->answered.wait_for(lock, time, [&] { return shared_->closed || *answer; });
  return *answer;
}

void LoopQuestion::close() {
  shared_->make_report = nullptr;
  const std::scoped_lock lock(shared_->mutex);
  shared_->closed = true;
  shared_->answered.notify_all();
}

}  // namespace regsync
