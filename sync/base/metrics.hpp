// The metrics of regsyncd for Prometheus. Labels hold names only; no secret and no user name is in them.
//
//   regsync_syncs_total{context}                        Secrets written or deleted
//   regsync_sync_failures_total{context,cause}          tries that failed, by ErrorCode
//   regsync_sync_duration_seconds{context}              time for one Secret, including its reads and writes
//   regsync_queue_depth{context}                        Secrets waiting or in progress
//   regsync_watch_restarts_total{context}               lists that had to be repeated
//   regsync_login_changed_timestamp_seconds{registry}   when this process saw the login change
//   regsync_login_expires_timestamp_seconds{registry,short_lived}   when the login expires, if known
//
// Updated on the io_context thread; text() may be called on any thread. The current state of the Secrets is not counted
// here but computed on demand: daemon/http/fleet_document.hpp.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "helper/base/error.hpp"

namespace regsync {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  Metrics(Metrics&&) = delete;
  Metrics& operator=(Metrics&&) = delete;

  void synced(const std::string& context, std::chrono::duration<double> took);
  void failed(const std::string& context, ErrorCode cause);
  void queue_depth(const std::string& context, std::size_t depth);
  void watch_restarted(const std::string& context);
  void login_changed(const std::string& registry, std::chrono::system_clock::time_point when);
  // Replaces the expiry times: sets those of these registries and removes all others.
  struct LoginEnd {
    std::chrono::system_clock::time_point at;
    bool short_lived = false;  // valid for a day at most
  };
  void logins_expire(const std::map<std::string, LoginEnd>& ends);
  // Removes the login_changed series of all other registries.
  void keep_logins(const std::set<std::string>& registries);

  // Removes the series of all other contexts, which would otherwise be kept for ever.
  void keep_contexts(const std::set<std::string>& contexts);

  // All metrics in the text exposition format.
  [[nodiscard]] std::string text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync
