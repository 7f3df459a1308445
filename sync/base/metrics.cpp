#include "sync/base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace regsync {

namespace {

// From a warm connection on the same host (a millisecond) to a request that ends in a timeout (half a minute).
const prometheus::Histogram::BucketBoundaries& duration_buckets() {
  static const prometheus::Histogram::BucketBoundaries seconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                               0.25,  0.5,    1,     2.5,  5,     10,   30};
  return seconds;
}

}  // namespace

class Metrics::Impl {
 public:
  // The series of a context. Looked up once per context, because a family searches by all labels.
  struct OfContext {
    prometheus::Counter& syncs;
    prometheus::Histogram& durations;
    prometheus::Gauge& depth;
    prometheus::Counter* restarts = nullptr;  // null until the first one
    std::map<ErrorCode, prometheus::Counter*> failures = {};
  };
  OfContext& of(const std::string& context) {
    if (const auto known = contexts.find(context); known != contexts.end()) {
      return known->second;
    }
    const prometheus::Labels labels{{"context", context}};
    return contexts
        .insert({context, {syncs.Add(labels), durations.Add(labels, duration_buckets()), depths.Add(labels)}})
        .first->second;
  }
  void remove(const OfContext& series) {
    syncs.Remove(&series.syncs);
    durations.Remove(&series.durations);
    depths.Remove(&series.depth);
    restarts.Remove(series.restarts);
    for (const auto& [cause, counter] : series.failures) {
      failures.Remove(counter);
    }
  }

  // Constructed first, because it owns the families below.
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  prometheus::Family<prometheus::Counter>& syncs =
      prometheus::BuildCounter().Name("regsync_syncs_total").Help("Secrets written or deleted").Register(*registry);
  prometheus::Family<prometheus::Counter>& failures = prometheus::BuildCounter()
                                                          .Name("regsync_sync_failures_total")
                                                          .Help("Tries that failed, by cause")
                                                          .Register(*registry);
  prometheus::Family<prometheus::Histogram>& durations = prometheus::BuildHistogram()
                                                             .Name("regsync_sync_duration_seconds")
                                                             .Help("How long one Secret took")
                                                             .Register(*registry);
  prometheus::Family<prometheus::Gauge>& depths =
      prometheus::BuildGauge().Name("regsync_queue_depth").Help("Secrets waiting or in work").Register(*registry);
  prometheus::Family<prometheus::Counter>& restarts = prometheus::BuildCounter()
                                                          .Name("regsync_watch_restarts_total")
                                                          .Help("Lists that had to be made again")
                                                          .Register(*registry);
  prometheus::Family<prometheus::Gauge>& logins = prometheus::BuildGauge()
                                                      .Name("regsync_login_changed_timestamp_seconds")
                                                      .Help("When this process saw the login change")
                                                      .Register(*registry);
  prometheus::Family<prometheus::Gauge>& expiries = prometheus::BuildGauge()
                                                        .Name("regsync_login_expires_timestamp_seconds")
                                                        .Help("When the login ends, where that is known")
                                                        .Register(*registry);
  std::map<std::string, prometheus::Gauge*> changing;                   // by registry
  std::map<std::pair<std::string, bool>, prometheus::Gauge*> expiring;  // by registry, and whether it is short-lived
  std::map<std::string, OfContext> contexts;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}

Metrics::~Metrics() = default;

void Metrics::synced(const std::string& context, std::chrono::duration<double> took) {
  const auto& series = impl_->of(context);
  series.syncs.Increment();
  series.durations.Observe(took.count());
}

void Metrics::failed(const std::string& context, ErrorCode cause) {
  auto& counter = impl_->of(context).failures[cause];
  if (counter == nullptr) {
    counter = &impl_->failures.Add({{"context", context}, {"cause", std::string(to_string(cause))}});
  }
  counter->Increment();
}

void Metrics::queue_depth(const std::string& context, std::size_t depth) {
  impl_->of(context).depth.Set(static_cast<double>(depth));
}

void Metrics::watch_restarted(const std::string& context) {
  auto& counter = impl_->of(context).restarts;
  if (counter == nullptr) {
    counter = &impl_->restarts.Add({{"context", context}});
  }
  counter->Increment();
}

void Metrics::keep_contexts(const std::set<std::string>& contexts) {
  std::erase_if(impl_->contexts, [&](const auto& known) {
    const bool gone = !contexts.contains(known.first);
    if (gone) {
      impl_->remove(known.second);
    }
    return gone;
  });
}

void Metrics::login_changed(const std::string& registry, std::chrono::system_clock::time_point when) {
  const std::chrono::duration<double> since_epoch = when.time_since_epoch();
  auto& gauge = impl_->changing[registry];
  if (gauge == nullptr) {
    gauge = &impl_->logins.Add({{"registry", registry}});
  }
  gauge->Set(since_epoch.count());
}

void Metrics::keep_logins(const std::set<std::string>& registries) {
  std::erase_if(impl_->changing, [&](const auto& known) {
    const bool gone = !registries.contains(known.first);
    if (gone) {
      impl_->logins.Remove(known.second);
    }
    return gone;
  });
}

void Metrics::logins_expire(const std::map<std::string, LoginEnd>& ends) {
  std::erase_if(impl_->expiring, [&](const auto& known) {
    const auto end = ends.find(known.first.first);
    const bool gone = end == ends.end() || end->second.short_lived != known.first.second;
    if (gone) {
      impl_->expiries.Remove(known.second);
    }
    return gone;
  });
  for (const auto& [registry, end] : ends) {
    auto& gauge = impl_->expiring[{registry, end.short_lived}];
    if (gauge == nullptr) {
      gauge = &impl_->expiries.Add({{"registry", registry}, {"short_lived", end.short_lived ? "true" : "false"}});
    }
    gauge->Set(std::chrono::duration<double>(end.at.time_since_epoch()).count());
  }
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(impl_->registry->Collect()); }

}  // namespace regsync
