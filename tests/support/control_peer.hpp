// ControlPeer is a scripted peer for the control socket: it listens on its own socket and runs a script for each
// connection, on one thread. The destructor shuts down open connections and joins the thread.
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
    std::string read_line();  // without its newline; "" if the client is gone
    void write(std::string_view bytes) const;

   private:
    int fd_;
    std::string buffer_;
  };
  using Script = std::function<void(Connection&)>;

  // Listens on `socket`, or on a socket in its own temporary folder. Runs the script for one connection at a time, and
  // closes the connection when the script returns.
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
