#include "sync/base/metrics.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

using namespace std::chrono_literals;

TEST(Metrics, AreTextOfTheExpositionFormat) {
  Metrics metrics;
  metrics.synced("dev", 20ms);
  metrics.synced("dev", 20ms);
  metrics.failed("dev", ErrorCode::forbidden);
  metrics.queue_depth("dev", 3);
  metrics.watch_restarted("prod");
  metrics.login_changed("ghcr.io", std::chrono::system_clock::time_point(1000s));
  metrics.logins_expire({{"quay.io", {}}});
  metrics.logins_expire({{"ghcr.io", {std::chrono::system_clock::time_point(2000s), true}}});
  metrics.logins_expire({{"ghcr.io", {std::chrono::system_clock::time_point(2000s), false}}});
  const std::string text = metrics.text();
  EXPECT_EQ(text.find("quay.io"), std::string::npos) << text;
  EXPECT_EQ(text.find("short_lived=\"true\""), std::string::npos) << text;
  for (const char* line :
       {"regsync_syncs_total{context=\"dev\"} 2\n", "regsync_sync_duration_seconds_count{context=\"dev\"} 2\n",
        "regsync_queue_depth{context=\"dev\"} 3\n", "regsync_watch_restarts_total{context=\"prod\"} 1\n",
        "regsync_login_changed_timestamp_seconds{registry=\"ghcr.io\"} 1000\n",
        "regsync_login_expires_timestamp_seconds{registry=\"ghcr.io\",short_lived=\"false\"} 2000\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_NE(text.find("cause=\"forbidden\""), std::string::npos) << text;
}

TEST(Metrics, OfARegistryThatNobodyWantsAreForgotten) {
  Metrics metrics;
  metrics.login_changed("ghcr.io", std::chrono::system_clock::time_point(1000s));
  metrics.login_changed("quay.io", std::chrono::system_clock::time_point(1000s));
  metrics.keep_logins({"ghcr.io"});
  const std::string text = metrics.text();
  EXPECT_EQ(text.find("quay.io"), std::string::npos) << text;
  EXPECT_NE(text.find("registry=\"ghcr.io\"} 1000\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace regsync
