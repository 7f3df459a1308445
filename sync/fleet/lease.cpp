#include "sync/fleet/lease.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>

#include "sync/base/json_access.hpp"
#include "sync/base/random_time.hpp"
#include "sync/base/resource_version.hpp"
#include "sync/base/rfc3339.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* lease_api = "/apis/coordination.k8s.io/v1";
constexpr const char* request_annotation = "regsync.dev/requested-by";
constexpr const char* request_time_annotation = "regsync.dev/requested-at";  // makes each request a distinct event

// A Lease with a longer duration was not written by an elector; one shorter than client-go allows counts as none.
constexpr auto longest_duration = std::chrono::seconds(3600);

// Time for a request in progress on shutdown.
constexpr auto shutdown_grace = 1s;

std::string micro_time() { return to_rfc3339(std::chrono::system_clock::now(), Precision::microseconds); }

// A counter of the API; 0 if it is not a number, or too large to be incremented.
int number_at(const json& object, JsonPath path) {
  const json* value = find_at(object, path);
  const auto number = value != nullptr && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
  return number < std::numeric_limits<int>::max() ? static_cast<int>(number) : 0;
}

}  // namespace

Lease::Lease(asio::any_io_executor executor, kube::KubeClient& hub, LeaseOptions options, Handlers handlers)
    : executor_(std::move(executor)),
      hub_(hub),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      wake_(executor_),
      deadline_(executor_),
      tasks_(executor_),
      watch_(
          executor_, hub,
          {.collection = {.resource = "leases", .name_space = options_.name_space, .api = lease_api},
           .field_selector = "metadata.name=" + options_.name},
          [this](const kube::WatchEvent& event) { on_event(event); },
          [this](const std::optional<Error>& problem) {
            watch_problem_ = problem;
            tell();
          }) {
  const auto on_end = [this](const std::optional<Error>& problem) {
    if (problem && !stopping_) {  // a defect: nothing renews it any more or reports its loss
      log::error("lease " + options_.name + ": " + describe(*problem));
      problem_ = problem;
      tell();
    }
  };
  watch_.start();
  tasks_.spawn(contend(), on_end, cancel_.slot());
  tasks_.spawn(watch_deadline(), on_end);
}

Lease::~Lease() = default;

kube::ObjectPath Lease::path() const {
  return {.resource = "leases", .name_space = options_.name_space, .name = options_.name, .api = lease_api};
}

bool Lease::held() const { return BoottimeClock::now() < held_until_; }

std::string Lease::holder() const {
  return held() ? options_.identity : BoottimeClock::now() < free_at_ ? holder_ : std::string();
}

// A request counts as long as its sender may be expected to be alive.
std::string Lease::requested_by() const {
  if (requesting_) {
    return options_.identity;
  }
  return BoottimeClock::now() < requested_at_ + options_.times.duration ? requester_ : std::string();
}

void Lease::on_event(const kube::WatchEvent& event) {
  using Kind = kube::WatchEvent::Kind;
  if (event.kind == Kind::synced) {
    seen_once_ = true;
  } else if (event.kind == Kind::applied && is_news(*event.object)) {
    see(*event.object);
  } else if (event.kind == Kind::deleted && is_news(*event.object)) {
    see_none();
  }
  tell();
  if (!held()) {
    wake_.notify_all();  // a holder renews by time alone
  }
}

asio::awaitable<void> Lease::contend() {
  co_await asio::post(executor_, asio::use_awaitable);  // call no handler from inside the constructor
  while (!stopping_) {
    if (seen_once_) {
      std::optional<Error> problem;
      try {
        co_await take_turn();
        settled_ = true;
      } catch (const std::exception&) {
        problem = current_error();
      }
      requesting_ = false;  // it has ended, successfully or not
      if (stopping_) {
        co_return;
      }
      read_again_ = problem.has_value();
      if (problem && (problem->code() == ErrorCode::stale || problem->code() == ErrorCode::already_exists)) {
        problem.reset();  // somebody else was faster, which is not a problem
      }
      problem_ = std::move(problem);
      tell();
    }
    co_await wake_.wait_for(pause());
  }
}

// The time until there is something to do: a renewal, the expiry of another's lease, or a new answer of intent().
std::chrono::milliseconds Lease::pause() const {
  const auto jitter = random_time(std::chrono::milliseconds(1), options_.times.jitter);
  const auto now_is = BoottimeClock::now();
  if (held() || holder_ == options_.identity || problem_ || read_again_ || now_is >= free_at_) {
    return options_.times.retry + jitter;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(free_at_ - now_is);
  return std::min(left, options_.times.retry) + jitter;
}

// Reports the loss of the lease at the moment of expiry, even while a request hangs.
asio::awaitable<void> Lease::watch_deadline() {
  co_await asio::post(executor_, asio::use_awaitable);
  while (!stopping_) {
    const auto left = held_until_ - BoottimeClock::now();
    if (left <= 0ns) {
      tell();
    }
    const auto wait = left > 0ns ? std::chrono::ceil<std::chrono::milliseconds>(left) : options_.times.duration;
    co_await deadline_.wait_for(wait);
  }
}

asio::awaitable<void> Lease::take_turn() {
  if (read_again_) {
    co_await read();
  }
  switch (handlers_.intent(*this)) {
    case Intent::hold:
      co_await take_or_renew();
      break;
    case Intent::request:
      co_await request();
      break;
    case Intent::leave:
      co_await leave();
      break;
  }
}

asio::awaitable<void> Lease::read() {
  try {
    see(co_await hub_.get(path()));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
    see_none();
  }
}

asio::awaitable<void> Lease::take_or_renew() {
  const auto began = BoottimeClock::now();
  const bool is_ours = holder_ == options_.identity;
  if (!is_ours && !holder_.empty() && began < free_at_) {
    co_return;
  }
  if (!is_ours) {
    acquired_ = micro_time();
    transitions_ = exists_ ? transitions_ + 1 : 0;
  }
  if (exists_) {
    co_await write(our_spec());
  } else {
    co_await create();
  }
  if (holder_ != options_.identity) {
    co_return;  // somebody has written it since, and the event overtook our answer
  }
  if (!held()) {
    held_since_ = BoottimeClock::now();
  }
  held_until_ = began + options_.times.deadline;
  deadline_.cancel();  // the deadline has changed
}

asio::awaitable<void> Lease::create() {
  const json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                      {"kind", "Lease"},
                      {"metadata", {{"name", options_.name}, {"namespace", options_.name_space}}},
                      {"spec", our_spec()}};
  kube::ObjectPath collection = path();
  collection.name.clear();
  const json created = co_await hub_.create(collection, lease.dump());
  if (is_news(created)) {
    see(created);
  }
}

asio::awaitable<void> Lease::request() {
  if (!exists_ || requested_by() == options_.identity) {
    co_return;
  }
  json annotations = annotations_;
  annotations[request_annotation] = options_.identity;
  annotations[request_time_annotation] = micro_time();
  json operations = json::array();
  operations.push_back({{"op", "add"}, {"path", "/metadata/annotations"}, {"value", std::move(annotations)}});
  requesting_ = true;  // before the answer, so that the other slots are not requested too
  co_await patch(std::move(operations));
}

// Requests sent while it was held have ended, successfully or not, after their own timeout and the margin.
asio::awaitable<void> Lease::leave() {
  if (held()) {
    held_until_ = BoottimeClock::now();
    tell();
  }
  if (exists_ && holder_ == options_.identity &&
      BoottimeClock::now() >= held_until_ + options_.times.duration - options_.times.deadline) {
    json spec = our_spec();
    spec["holderIdentity"] = "";  // like client-go's ReleaseOnCancel: nobody holds it, and it may be taken at once
    spec["leaseDurationSeconds"] = 1;
    co_await write(std::move(spec));
  }
}

json Lease::our_spec() const {
  return {{"holderIdentity", options_.identity},
          {"leaseDurationSeconds", std::chrono::ceil<std::chrono::seconds>(options_.times.duration).count()},
          {"acquireTime", acquired_},
          {"renewTime", micro_time()},
          {"leaseTransitions", transitions_}};
}

// Our request is done once we hold the lease.
asio::awaitable<void> Lease::write(json spec) {
  json operations = json::array({{{"op", "add"}, {"path", "/spec"}, {"value", std::move(spec)}}});
  if (requester_ == options_.identity) {
    json annotations = annotations_;
    annotations.erase(request_annotation);
    annotations.erase(request_time_annotation);
    operations.push_back({{"op", "add"}, {"path", "/metadata/annotations"}, {"value", std::move(annotations)}});
  }
  return patch(std::move(operations));
}

// Only over the version seen: if two take it at once, one gets "stale".
asio::awaitable<void> Lease::patch(json operations) {
  operations.insert(operations.begin(),
                    json{{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", version_}});
  const json patched = co_await hub_.json_patch(path(), operations.dump());
  if (is_news(patched)) {
    see(patched);
  }
}

// The answers to our writes and the events of others' arrive over different streams.
bool Lease::is_news(const json& lease) const {
  const auto version = version_number(text_at(lease, {"metadata", "resourceVersion"}));
  return !exists_ || version == 0 || version >= version_number(version_);
}

void Lease::see(const json& lease) {
  exists_ = true;
  version_ = text_at(lease, {"metadata", "resourceVersion"});
  annotations_ = map_at(lease, {"metadata", "annotations"});
  holder_ = text_at(lease, {"spec", "holderIdentity"});
  transitions_ = number_at(lease, {"spec", "leaseTransitions"});
  const json& spec = map_at(lease, {"spec"});
  if (spec != spec_) {
    spec_ = spec;
    const std::chrono::milliseconds said = std::chrono::seconds(number_at(lease, {"spec", "leaseDurationSeconds"}));
    // A holder relies on its own times, whatever somebody wrote into its Lease.
    const auto lasts = std::clamp<std::chrono::milliseconds>(said, options_.times.duration, longest_duration);
    free_at_ = holder_.empty() ? BoottimeClock::time_point() : BoottimeClock::now() + lasts;
  }
  if (holder_ != options_.identity && held()) {
    held_until_ = BoottimeClock::now();  // somebody gave it to another replica, which may write from now on
  }
  const std::string requester(text_at(annotations_, {request_annotation}));
  const std::string time(text_at(annotations_, {request_time_annotation}));
  if (requester != requester_ || time != request_time_) {
    requester_ = requester;
    request_time_ = time;
    requested_at_ = BoottimeClock::now();
  }
}

// Somebody deleted it. Its holder keeps writing until it would have expired, so nobody else takes it before that.
void Lease::see_none() {
  exists_ = false;
  version_.clear();
  spec_ = {};
  annotations_ = json::object();
  requester_.clear();
  request_time_.clear();
}

void Lease::tell() {
  Told now_is{.held_since = held() ? std::optional(held_since_) : std::nullopt,
              .holder = holder(),
              .settled = settled_,
              .problem = problem()};
  if (told_ != now_is) {
    told_ = std::move(now_is);
    guarded_logged("lease " + options_.name, handlers_.on_change);
  }
}

asio::awaitable<void> Lease::stop() {
  stopping_ = true;
  wake_.notify_all();
  deadline_.cancel();
  co_await watch_.stop();
  co_await tasks_.end(cancel_, shutdown_grace);
  if (held() || holder_ == options_.identity) {  // or it is being given up
    held_until_ = {};
    tasks_.spawn(
        leave(),
        [this](const std::optional<Error>& problem) {
          if (problem) {
            log::info("the lease " + options_.name + " was not released: " + describe(*problem));
          }
        },
        cancel_.slot());
    co_await tasks_.end(cancel_, shutdown_grace);
  }
}

}  // namespace regsync
