// EventFd is a flag that one thread sets and another waits for with poll(2).
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include "helper/base/error.hpp"

namespace regsync {

// May be set from any thread. Its file descriptor is readable until reset(). Throws ErrorCode::internal if no file
// descriptor is left.
class EventFd {
 public:
  EventFd() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) {
      throw Error(ErrorCode::internal, "no eventfd");
    }
  }
  ~EventFd() { close(fd_); }
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  EventFd(EventFd&&) = delete;
  EventFd& operator=(EventFd&&) = delete;

  void set() const noexcept { eventfd_write(fd_, 1); }
  void reset() const noexcept {
    eventfd_t ignored = 0;
    eventfd_read(fd_, &ignored);
  }

  [[nodiscard]] int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace regsync
