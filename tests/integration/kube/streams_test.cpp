// Many streams on one connection of a real API server: what was read for one of them is never left lying.
#include <gtest/gtest.h>

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>

#include "tests/integration/kube/real_server.hpp"
#include "tests/support/listed.hpp"

namespace regsync::kube {
namespace {

using namespace std::chrono_literals;

class Streams : public RealServer {
 protected:
  // A list of Secrets for kubectl, each with so many bytes that gzip makes smaller and such that it cannot.
  static std::string secrets(int count, std::size_t plain, int noisy) {
    std::mt19937 dice(1);  // NOLINT(bugprone-random-generator-seed,cert-msc32-c,cert-msc51-cpp): the same each time
    std::uniform_int_distribution<int> letter(33, 126);
    nlohmann::json items = nlohmann::json::array();
    for (int i = 0; i < count; ++i) {
      std::string value(plain, 'x');
      std::generate_n(std::back_inserter(value), noisy, [&] { return static_cast<char>(letter(dice)); });
      items.push_back({{"apiVersion", "v1"},
                       {"kind", "Secret"},
                       {"metadata", {{"name", "s" + std::to_string(i)}}},
                       {"stringData", {{"key", value}}}});
    }
    return nlohmann::json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}}.dump();
  }
};

TEST_F(Streams, ABurstOfEventsIsToldToItsEnd) {
  KubeClient watching = client(admin_.clone());
  Known known(watching, name_space_);
  Known other(watching, "default");
  const test::Background first(loop_, known.run());
  const test::Background second(loop_, other.run());
  ASSERT_TRUE(test::run_until(loop_, [&] { return known.synced && other.synced; }));
  const int count = 40;
  kubectl({"-n", name_space_, "create", "-f", "-"},
          secrets(count, 0, 3000));  // all wait in the socket until the loop runs
  EXPECT_TRUE(test::run_until(loop_, [&] { return known.objects.size() == count; }))
      << known.objects.size() << " of " << count;
}

// The answers are gzipped, as they are from 128 KiB on, and then about as long as the buffer of their stream.
TEST_F(Streams, AnAnswerIsSeenToItsEndBesideWatchesThatSayNothing) {
  kubectl({"-n", name_space_, "create", "-f", "-"}, secrets(90, 1500, 200));
  KubeClient asking = client(admin_.clone());
  Known quiet(asking, "default");
  Known silent(asking, "kube-node-lease");
  const test::Background first(loop_, quiet.run());
  const test::Background second(loop_, silent.run());
  ASSERT_TRUE(test::run_until(loop_, [&] { return quiet.synced && silent.synced; }));
  let_pass(100ms);
  for (int round = 0; round < 150; ++round) {
    ListOptions options;
    options.limit = 50 + round % 40;
    asio::steady_timer busy(loop_, 2ms);  // the request has left; then the whole answer waits in the socket
    busy.async_wait([](std::error_code /*never cancelled*/) { std::this_thread::sleep_for(15ms); });
    const auto page = test::run(loop_, test::list(asking, {"secrets", name_space_, ""}, options));
    ASSERT_EQ(page.items.size(), options.limit);
  }
}

}  // namespace
}  // namespace regsync::kube
