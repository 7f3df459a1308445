#include "tests/support/control_peer.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/temp_dir.hpp"

namespace regsync::test {

std::string ControlPeer::Connection::read_line() {
  for (;;) {
    if (const auto newline = buffer_.find('\n'); newline != std::string::npos) {
      std::string line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return line;
    }
    std::array<char, 4096> bytes{};
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got <= 0) {
      return {};
    }
    buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

void ControlPeer::Connection::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

class ControlPeer::Impl {
 public:
  Impl(Script script, std::filesystem::path path)
      : script_(std::move(script)),
        path_(path.empty() ? folder_.path() / "control.sock" : std::move(path)),
        listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path_.string();
    if (text.size() >= sizeof(address.sun_path)) {
      throw std::runtime_error("socket path too long: " + text);
    }
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_, 8) != 0) {
      throw std::runtime_error("cannot listen on " + text);
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~Impl() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      if (connection_ >= 0) {
        ::shutdown(connection_, SHUT_RDWR);
      }
      ::shutdown(listener_, SHUT_RDWR);
    }
    thread_.join();
    ::close(listener_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void serve() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      {
        const std::scoped_lock lock(mutex_);
        connection_ = fd;
        if (stopping_) {
          ::shutdown(fd, SHUT_RDWR);
        }
      }
      Connection connection(fd);
      script_(connection);
      const std::scoped_lock lock(mutex_);
      connection_ = -1;
      ::close(fd);
    }
  }

  Script script_;
  TempDir folder_;
  std::filesystem::path path_;
  int listener_;
  std::mutex mutex_;
  bool stopping_ = false;  // guarded by mutex_
  int connection_ = -1;    // guarded by mutex_
  std::thread thread_;
};

ControlPeer::ControlPeer(Script script, std::filesystem::path socket)
    : impl_(std::make_unique<Impl>(std::move(script), std::move(socket))) {}
ControlPeer::~ControlPeer() = default;
const std::filesystem::path& ControlPeer::socket() const { return impl_->path(); }

}  // namespace regsync::test
