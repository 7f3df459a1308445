// An API server whose answers are made to exhaust its client: neither memory nor the event loop's time goes far.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <ctime>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/listed.hpp"
#include "tests/support/process.hpp"
#include "tests/support/resident.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::kube {
namespace {

using test::Fault;
using Kind = Fault::Kind;
using ::testing::HasSubstr;

// The largest answer that is read at all.
constexpr std::size_t largest_page_kib = std::size_t{32} * 1024;

const ObjectPath secrets{"secrets", "n", ""};
const ObjectPath secret{"secrets", "n", "x"};

// `begin` and then `unit` again and again, `mib` in all, in gzip. Made by other processes: this one's memory is
// measured.
std::string packed(const std::string& begin, const std::string& unit, int mib) {
  const auto made =
      test::run_program({{"sh", "-c", R"({ printf '%s' "$0"; yes "$1" | tr -d '\n' | head -c "$2"; } | gzip -1)", begin,
                          unit, std::to_string(std::size_t{1} * static_cast<std::size_t>(mib) << 20)},
                         test::own_environment(),
                         ""});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return made.out;
}

class HostileAnswers : public ::testing::Test {
 protected:
  void SetUp() override {
    server_.make_namespace("n");
    const auto config = temp_.write("kubeconfig", server_.kubeconfig({"fake"}));
    client_ = std::make_unique<KubeClient>(loop_.get_executor(), Kubeconfig::load(config).resolve("fake"));
    test::run(loop_, client_->version());
  }

  // Runs the work and says by how much the memory grew. AddressSanitizer keeps what was freed, so that there the growth
  // says nothing and counts as none.
  template <typename Work>
  auto measured(Work work) {
    test::reset_peak_resident();
    const std::size_t before = test::resident_kib();
    auto result = work();
    const std::size_t peak = test::peak_resident_kib();
#ifndef __SANITIZE_ADDRESS__
    growth_kib_ = peak > before ? peak - before : 0;
#else
    static_cast<void>(peak);
    static_cast<void>(before);
#endif
    return result;
  }

  // What a list of such an answer fails with, and how much memory that took at most.
  Error list_of(std::string body) {
    server_.inject({.kind = Kind::packed, .verb = "list", .body = std::move(body)});
    return measured([this] { return test::error_of(loop_, test::list(*client_, secrets)); });
  }

  test::FakeApiServer server_;
  test::TempDir temp_;
  asio::io_context loop_;
  std::unique_ptr<KubeClient> client_;
  std::size_t growth_kib_ = 0;
};

TEST_F(HostileAnswers, APageThatUnpacksWithoutEndIsCutShort) {
  for (const char* unit : {"[", "{}", "\"\","}) {
    const Error error = list_of(packed(R"({"items":[)", unit, 60));
    EXPECT_EQ(error.code(), ErrorCode::protocol);
    EXPECT_THAT(error.message(), HasSubstr("larger than 32 MiB"));
    EXPECT_LT(growth_kib_, 4 * largest_page_kib) << "with " << unit;
  }
}

TEST_F(HostileAnswers, APageWithinItsSizeIsNoTreeOfAnySize) {
  const Error deep = list_of(packed(R"({"items":[)", "[", 30));
  EXPECT_THAT(deep.message(), HasSubstr("larger than 8 MiB"));
  EXPECT_LT(growth_kib_, 4 * largest_page_kib);
  const Error many = list_of(packed(R"({"items":[)", "{},", 30));
  EXPECT_THAT(many.message(), HasSubstr("more than 100000 items"));
  EXPECT_LT(growth_kib_, 4 * largest_page_kib);
  const Error wide = list_of(packed(R"({"items":[[)", "{},", 30));
  EXPECT_THAT(wide.message(), HasSubstr("larger than 8 MiB"));
  EXPECT_LT(growth_kib_, 4 * largest_page_kib);
}

TEST_F(HostileAnswers, ASingleObjectHasBoundsOfItsOwn) {
  server_.inject({.kind = Kind::huge, .verb = "get", .bytes = std::size_t{200} << 20});
  const Error large = measured([this] { return test::error_of(loop_, client_->get(secret)); });
  EXPECT_THAT(large.message(), HasSubstr("larger than 8 MiB"));
  EXPECT_LT(growth_kib_, largest_page_kib);
  server_.inject({.kind = Kind::status,
                  .verb = "get",
                  .status = 200,
                  .body = R"({"items":)" + std::string(std::size_t{5} << 20, '[')});
  const Error deep = test::error_of(loop_, client_->get(secret));
  EXPECT_THAT(deep.message(), HasSubstr("nests deeper than 100 levels"));
}

TEST_F(HostileAnswers, OfARefusalTheBeginningIsEnough) {
  server_.inject({.kind = Kind::status, .verb = "get", .status = 500, .body = std::string(std::size_t{10} << 20, 'x')});
  const Error error = test::error_of(loop_, client_->get(secret));
  EXPECT_EQ(error.code(), ErrorCode::server_error);
  EXPECT_LT(error.message().size(), 2000U);
}

TEST_F(HostileAnswers, HeadersHaveAnEnd) {
  server_.put({"secrets", "n", "x"}, {{"metadata", {{"name", "x"}}}});
  server_.inject({.kind = Kind::headers, .verb = "get", .bytes = std::size_t{20} << 20});
  const Error error = measured([this] { return test::error_of(loop_, client_->get(secret)); });
  EXPECT_EQ(error.code(), ErrorCode::protocol);
  EXPECT_THAT(error.message(), HasSubstr("more than 256 KiB of headers"));
  EXPECT_TRUE(test::run(loop_, client_->get(secret)).contains("metadata")) << "the next answer counts for itself";
}

TEST_F(HostileAnswers, EventsThatComeFasterThanTheyAreReadWaitAtTheServer) {
#ifndef __SANITIZE_ADDRESS__
  constexpr std::size_t events = 80'000;  // about 16 MiB
#else
  constexpr std::size_t events = 10'000;  // read so slowly here that the server would give up on more
#endif
  server_.inject({.kind = Kind::flood, .verb = "watch", .bytes = events});
  std::size_t seen = 0;
  WatchOptions options;
  options.resource_version = "1";
  measured([&] {
    test::run(loop_, client_->watch(secrets, options, [&](const nlohmann::json&) { ++seen; }), std::chrono::minutes(1));
    return 0;
  });
  EXPECT_EQ(seen, events);
  EXPECT_LT(growth_kib_, largest_page_kib / 4) << "one MiB that waits, and what is read at a time";
}

// How long the loop is busy at a time, by this thread's processor time: other programs on the machine do not count.
class LongestTurn {
 public:
  explicit LongestTurn(asio::io_context& loop) : pulse_(loop) { beat(); }

  [[nodiscard]] double longest() const { return longest_; }
  [[nodiscard]] double all() const { return now() - begin_; }

 private:
  static double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  void beat() {
    pulse_.expires_after(std::chrono::milliseconds(1));
    pulse_.async_wait([this](std::error_code ended) {
      if (!ended) {
        longest_ = std::max(longest_, now() - last_);
        last_ = now();
        beat();
      }
    });
  }

  asio::steady_timer pulse_;
  double begin_ = now();
  double last_ = begin_;
  double longest_ = 0;
};

TEST_F(HostileAnswers, ALargePageLeavesTheLoopToOthers) {
  const std::string item =
      R"({"metadata":{"name":"x","namespace":"n","resourceVersion":"1"},"data":{"a":"YQ==","b":"YQ=="}},)";
  server_.inject({.kind = Kind::packed, .verb = "list", .body = packed(R"({"items":[)", item, 3)});
  const LongestTurn turns(loop_);
  std::size_t items = 0;
  const std::function<void(nlohmann::json&&)> count = [&](const nlohmann::json&) { ++items; };
  const Error cut = test::error_of(loop_, client_->list(secrets, {}, count), std::chrono::minutes(1));
  EXPECT_THAT(cut.message(), HasSubstr("ends too soon"));
  EXPECT_GT(items, 30'000U);
  EXPECT_LT(turns.longest(), turns.all() / 4);
}

TEST_F(HostileAnswers, AFloodOfEventsLeavesTheLoopToOthers) {
  server_.inject({.kind = Kind::flood, .verb = "watch", .bytes = 20'000});
  WatchOptions options;
  options.resource_version = "1";
  const LongestTurn turns(loop_);
  test::run(loop_, client_->watch(secrets, options, [](const nlohmann::json&) {}), std::chrono::minutes(1));
  EXPECT_LT(turns.longest(), turns.all() / 4);
}

}  // namespace
}  // namespace regsync::kube
