// The other end of the control socket, played by a test: listens on a socket of its own and runs a script for each
// connection, on one thread. Joined in the destructor; connections still open are shut down first.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace regsync::test {

class ControlPeer {
 public:
  class Connection {
   public:
    explicit Connection(int fd) : fd_(fd) {}
    std::string read_line();  // without its newline; "" when the client is gone
    void write(std::string_view bytes) const;

   private:
    int fd_;
    std::string buffer_;
  };
  using Script = std::function<void(Connection&)>;

  // Listens on `socket`, or on one in a temporary folder of its own. Each connection gets the script, one after
  // another, and is closed when it returns.
  explicit ControlPeer(Script script, std::filesystem::path socket = {});
  ~ControlPeer();
  ControlPeer(const ControlPeer&) = delete;
  ControlPeer& operator=(const ControlPeer&) = delete;
  ControlPeer(ControlPeer&&) = delete;
  ControlPeer& operator=(ControlPeer&&) = delete;

  [[nodiscard]] const std::filesystem::path& socket() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync::test
