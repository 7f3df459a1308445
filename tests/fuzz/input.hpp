// Shared by the fuzz targets: an input as a file, and checks of what must hold.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"

namespace regsync::fuzz {

inline void require(bool holds, const char* what) {
  if (!holds) {
    throw std::logic_error(what);
  }
}

// Every text that is shown must be JSON, and so UTF-8: it goes into status rows.
inline void must_be_presentable(const Error& error) {
  static_cast<void>(nlohmann::json{error.message(), error.remedy()}.dump());
}

// Runs `read`, which may refuse its input by an Error.
template <typename Read>
void refused_or(Read read) {
  try {
    read();
  } catch (const Error& error) {
    must_be_presentable(error);
  }
}

// A file that holds the bytes, for readers of paths.
class InMemory {
 public:
  explicit InMemory(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }
  ~InMemory() { ::close(fd_); }
  InMemory(const InMemory&) = delete;
  InMemory& operator=(const InMemory&) = delete;
  InMemory(InMemory&&) = delete;
  InMemory& operator=(InMemory&&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace regsync::fuzz
