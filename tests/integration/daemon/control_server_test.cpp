// The control socket against clients that hang up, stop, or send what nobody should.
#include "daemon/control_server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "daemon/paced.hpp"
#include "helper/base/error.hpp"
#include "sync/control/messages.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Client {
 public:
  explicit Client(const fs::path& socket) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { hang_up(); }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& operator=(Client&&) = delete;

  void hang_up() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  [[nodiscard]] bool connected() const { return connected_; }
  void end_requests() const { ::shutdown(fd_, SHUT_WR); }

  void send(const std::string& line) const {
    ASSERT_TRUE(connected_);
    // The server may have hung up already; what it answered is asserted by who receives.
    const auto sent = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL);
    ASSERT_TRUE(sent == static_cast<ssize_t>(line.size()) || errno == EPIPE) << std::strerror(errno);
  }

  // Until the server, whose answers nobody reads, takes no more.
  void send_until_stuck(const std::string& line) const {
    pollfd writable{.fd = fd_, .events = POLLOUT, .revents = 0};
    while (::poll(&writable, 1, 50) == 1 && ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    }
  }

  // The next line; "" when the server hung up, or says nothing for ten seconds.
  std::string read_line() {
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      pollfd readable{.fd = fd_, .events = POLLIN, .revents = 0};
      char bytes[4096];
      const ssize_t got = ::poll(&readable, 1, 10'000) == 1 ? ::recv(fd_, bytes, sizeof bytes, 0) : 0;
      if (got <= 0) {
        return "";
      }
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
  }

  json ask(std::string_view method) {
    send(control::make_request(1, method, json::object()));
    return json::parse(read_line(), nullptr, false);
  }

 private:
  int fd_;
  bool connected_ = false;
  std::string buffer_;
};

// A server with two methods: "ping" answers, "wait" does not until the test ends. It runs on a thread of its own.
class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest()
      : server_(io_.get_executor(), socket_, -1,
                {.call = [this](std::string method, json params) { return call(std::move(method), std::move(params)); },
                 .status = [this](const json&) { return make_report(); }}),
        thread_([this] { io_.run(); }) {}
  void TearDown() override {
    asio::post(io_, [this] {
      server_.close();
      io_.stop();
    });
    thread_.join();
  }

  asio::awaitable<json> call(std::string method, json /*params*/) {
    if (method == "wait") {
      asio::steady_timer timer(io_, std::chrono::minutes(5));
      co_await timer.async_wait(asio::use_awaitable);
    }
    co_return json{{"pong", true}};
  }

  json make_report() {
    ++reports_;
    std::this_thread::sleep_for(making_.load());
    return control::to_json(report_);
  }

  void change_status() {
    asio::post(io_, [this] {
      ++report_.pid;
      server_.status_changed();
    });
  }

  // With all clients there may be.
  std::vector<Client> fill(std::string_view method) {
    std::vector<Client> clients;
    for (int i = 0; i < 64; ++i) {
      clients.emplace_back(socket_).send(control::make_request(1, method, json::object()));
    }
    return clients;
  }

  test::TempDir root_;
  fs::path socket_ = root_.path() / "run/control.sock";
  asio::io_context io_{1};
  StatusReport report_;
  std::atomic<int> reports_ = 0;                     // that were made
  std::atomic<std::chrono::milliseconds> making_{};  // what one takes
  ControlServer server_;
  std::thread thread_;
};

TEST_F(ControlServerTest, SubscribersWhoHungUpMakeRoomAtOnce) {
  auto subscribers = fill("subscribe");
  for (auto& subscriber : subscribers) {
    ASSERT_NE(subscriber.read_line(), "");
    subscriber.hang_up();
  }
  EXPECT_TRUE(test::wait_until([&] { return Client(socket_).ask("ping").contains("result"); }));
}

TEST_F(ControlServerTest, CallersWhoHungUpMakeRoomThoughTheirCallGoesOn) {
  {
    auto callers = fill("wait");
    // One more is told why it is not served.
    EXPECT_TRUE(test::wait_until([&] { return Client(socket_).read_line().find("overloaded") != std::string::npos; }));
  }
  EXPECT_TRUE(test::wait_until([&] { return Client(socket_).ask("ping").contains("result"); }));
}

// One sends half a line, one never reads the many answers that it asked for, one sends nothing.
TEST_F(ControlServerTest, ClientsWhoDoNothingMakeRoomForOthers) {
  std::vector<Client> idle;
  for (int i = 0; i < 64; ++i) {
    idle.emplace_back(socket_);
    if (i % 3 == 0) {
      idle.back().send("{\"jsonrpc\":");
    } else if (i % 3 == 1) {
      idle.back().send_until_stuck(control::make_request(1, "ping", json::object()));
    }
  }
  EXPECT_TRUE(Client(socket_).ask("ping").contains("error")) << "they may be about to do something";
  EXPECT_TRUE(test::wait_until([&] { return Client(socket_).ask("ping").contains("result"); }));
}

TEST_F(ControlServerTest, WhoHasEndedHisRequestsStillGetsNews) {
  Client subscriber(socket_);
  subscriber.send(control::make_request(1, "subscribe", json::object()));
  subscriber.end_requests();
  ASSERT_NE(subscriber.read_line(), "");
  change_status();
  EXPECT_NE(subscriber.read_line().find("\"status\""), std::string::npos);
}

TEST_F(ControlServerTest, AReportThatTakesLongIsSeldomMadeAndTheLastOneIsTold) {
  constexpr int changes = 50;
  making_ = std::chrono::milliseconds(40);
  Client subscriber(socket_);
  subscriber.send(control::make_request(1, "subscribe", json::object()));
  ASSERT_NE(subscriber.read_line(), "");
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < changes; ++i) {
    change_status();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto pauses =
      (std::chrono::steady_clock::now() - began) / (rest_after_making * making_.load());  // a busy machine takes longer
  EXPECT_LE(reports_, 2 + pauses);
  EXPECT_TRUE(test::wait_until([&] {
    const json news = json::parse(subscriber.read_line());
    return news.at("params").at("pid") == changes;
  }));
}

TEST_F(ControlServerTest, DeeplyNestedRequestsAreRefused) {
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  for (const std::string& line :
       {R"({"jsonrpc":"2.0","method":"ping","id":)" + deep + "}\n",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"target":)" + deep + "}}\n", deep + "\n"}) {
    Client client(socket_);
    client.send(line);
    EXPECT_NE(client.read_line().find("protocol"), std::string::npos);
  }
  EXPECT_TRUE(Client(socket_).ask("ping").contains("result"));
}

TEST_F(ControlServerTest, OddRequestsGetAnErrorEach) {
  Client client(socket_);
  for (const char* line : {"\n", "null\n", "[]\n", "{}\n", "{\"method\":1}\n", "{\"method\":\"\"}\n", "\xff\n",
                           "{\"method\":\"ping\",\"params\":7,\"id\":{\"a\":1}}\n"}) {
    client.send(line);
    const auto answer = json::parse(client.read_line(), nullptr, false);
    EXPECT_TRUE(answer.is_object() && (answer.contains("error") || answer.contains("result"))) << line;
    EXPECT_TRUE(answer["id"].is_null()) << line;
  }
}

TEST_F(ControlServerTest, WithoutFileDescriptorsAClientIsToldAndTheLoopRests) {
  Client client(socket_);
  ASSERT_TRUE(client.ask("ping").contains("result"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  Client refused = [&] {
    std::vector<int> taken;
    const int mine = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::close(mine);
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(mine) + 8;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    while (true) {
      const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd < 0) {
        break;
      }
      taken.push_back(fd);
    }
    ::close(taken.back());
    taken.pop_back();
    Client last(socket_);
    rusage start{};
    ::getrusage(RUSAGE_SELF, &start);
    EXPECT_NE(last.read_line().find("no file descriptor"), std::string::npos);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    rusage end{};
    ::getrusage(RUSAGE_SELF, &end);
    const auto busy =
        (end.ru_utime.tv_sec - start.ru_utime.tv_sec) * 1'000'000L + end.ru_utime.tv_usec - start.ru_utime.tv_usec;
    EXPECT_LT(busy, 250'000) << "microseconds of half a second";
    for (const int fd : taken) {
      ::close(fd);
    }
    return last;
  }();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(test::wait_until([&] { return Client(socket_).ask("ping").contains("result"); }));
}

TEST(ControlServerFolder, TheSocketIsOnlyForItsUserWhateverTheUmask) {
  const test::TempDir root;
  const auto before = ::umask(0);
  asio::io_context io;
  const ControlServer server(io.get_executor(), root.path() / "run/control.sock", -1, {});
  ::umask(before);
  struct stat status{};
  ASSERT_EQ(::stat((root.path() / "run/control.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

// As systemd makes it.
int listen_at(const fs::path& path) {
  fs::create_directories(path.parent_path());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const bool listens =
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(fd, SOMAXCONN) == 0;
  EXPECT_TRUE(listens) << std::strerror(errno);
  return fd;
}

TEST(ControlServerFolder, ASocketOfSystemdIsUsedAndStaysAtTheEnd) {
  const test::TempDir root;
  const fs::path path = root.path() / "run/control.sock";
  const int inherited = listen_at(path);
  const auto made = fs::last_write_time(path);
  asio::io_context io;
  {
    const ControlServer server(io.get_executor(), path, inherited, {});
    EXPECT_TRUE(Client(path).connected());
  }
  ASSERT_TRUE(fs::exists(path));
  EXPECT_EQ(fs::last_write_time(path), made);
}

// A regsyncd that was started by hand took its path: at its end it removed that, or was killed.
TEST(ControlServerFolder, WhereASocketOfSystemdHasLostItsPathAnotherOneIsMade) {
  for (const bool killed : {false, true}) {
    const test::TempDir root;
    const fs::path path = root.path() / "run/control.sock";
    const int inherited = listen_at(path);
    fs::remove(path);
    if (killed) {
      ::close(listen_at(path));
    }
    asio::io_context io;
    const ControlServer server(io.get_executor(), path, inherited, {});
    EXPECT_TRUE(Client(path).connected()) << killed;
  }
}

TEST(ControlServerFolder, WithoutFileDescriptorsTheLogSaysSo) {
  const test::TempDir root;
  asio::io_context io;
  const asio::steady_timer first(io);  // asio's own descriptors are there
  testing::internal::CaptureStderr();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(STDERR_FILENO);
  ::close(next);
  rlimit none_left = before;
  none_left.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  {
    const ControlServer server(io.get_executor(), root.path() / "run/control.sock", -1, {});
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("no file descriptor left"), std::string::npos) << log;
  EXPECT_NE(log.find("LimitNOFILE="), std::string::npos) << log;
}

TEST(ControlServerFolder, APathThatIsTooLongIsNamed) {
  const test::TempDir root;
  asio::io_context io;
  testing::internal::CaptureStderr();
  {
    const ControlServer server(io.get_executor(), root.path() / std::string(200, 'x') / "control.sock", -1, {});
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("File name too long"), std::string::npos) << log;
  EXPECT_NE(log.find("XDG_RUNTIME_DIR is a short path"), std::string::npos) << log;
}

TEST(ControlServerFolder, ASymbolicLinkInPlaceOfTheFolderIsRefusedAndItsTargetLeftAlone) {
  const test::TempDir root;
  fs::create_directory(root.path() / "elsewhere");
  fs::permissions(root.path() / "elsewhere", fs::perms::all);
  fs::create_symlink(root.path() / "elsewhere", root.path() / "run");
  asio::io_context io;
  const ControlServer server(io.get_executor(), root.path() / "run/control.sock", -1, {});
  struct stat status{};
  ASSERT_EQ(::stat((root.path() / "elsewhere").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0777U);
  EXPECT_TRUE(fs::is_empty(root.path() / "elsewhere"));
}

}  // namespace
}  // namespace regsync
