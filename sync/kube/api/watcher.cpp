#include "sync/kube/api/watcher.hpp"

#include <algorithm>
#include <asio/this_coro.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "sync/base/async_event.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/limiter.hpp"
#include "sync/base/random_time.hpp"
#include "sync/base/resource_version.hpp"
#include "sync/kube/api/api_error.hpp"
#include "sync/kube/api/pages.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// client-go tools/cache/reflector.go: backoff manager of 800 ms, factor 2, cap 30 s, reset after 2 minutes.
constexpr milliseconds first_delay{800};
constexpr milliseconds longest_delay{30'000};
constexpr auto healthy_after = std::chrono::minutes(2);
// reflector.go minWatchTimeout: random, so that the watches of many clients do not end at once.
constexpr seconds shortest_watch{300};
constexpr seconds longest_watch{600};
// The first page of a list is small, so that it is processed while the server prepares the others.
constexpr int first_page_size = 100;
// Later pages, which may be large, are requested by only a few watchers at a time: at the start of this process all
// contexts of a fleet list, and would need the memory for all their pages at once.
constexpr std::size_t most_pages_at_once = 16;
constexpr milliseconds longest_page_turn(2000);
// reflector.go: "very short watch": after a server ends a watch at once, do not start the next one at once.
constexpr auto very_short = seconds(1);
// This many consecutive failures of watches, while lists succeed, are not accidental: something between here and the
// API server does not let watches pass.
constexpr int most_failed_watches = 2;
// A watch that expires, ends or is cut is restarted at once, but at most this often in this time. Otherwise a server
// that ends each watch would make its client list and watch as fast as the network allows.
constexpr std::size_t most_at_once = 3;
constexpr auto at_once_within = seconds(30);
// After a watch was cut, a reachable API server answers within this time. Otherwise the cut is reported as a fault.
constexpr auto cut_grace = seconds(2);
// In bytes. etcd's are numbers.
constexpr std::size_t longest_version = 1024;
// A watch gets a bookmark each minute. One without any for this long may be waiting for a revision that the server,
// restored to an older state, has not reached yet: it would be silent until then (kubernetes#107457).
constexpr auto longest_silence = std::chrono::minutes(4);

// Whether the fault ends the watch of this scope for good: the caller must choose another scope.
bool is_final(const Error& error) { return error.code() == ErrorCode::forbidden; }

// Whether the same watch would fail again: the server rejects its version, or libcurl the URL with it.
bool is_of_the_version(const Error& error) {
  return error.code() == ErrorCode::expired || error.code() == ErrorCode::rejected ||
         error.code() == ErrorCode::kubeconfig || error.code() == ErrorCode::internal;
}

// Shared by all watchers: one thread runs them all.
Limiter& page_turns() {
  static thread_local Limiter turns(most_pages_at_once);
  return turns;
}

class JitteredBackoff {
 public:
  // Full jitter: a random time up to the current step, so that not all clients contact a restarted server at once.
  milliseconds next() {
    const auto now = steady_clock::now();
    if (now - last_ > healthy_after) {
      step_ = first_delay;
    }
    last_ = now;
    const auto most = std::exchange(step_, std::min(2 * step_, longest_delay));
    return random_time(most / 16, most);
  }

 private:
  milliseconds step_ = first_delay;
  steady_clock::time_point last_ = steady_clock::now();
};

// Limits how often something may be done without delay.
class AtOnce {
 public:
  bool take() {
    const auto now = steady_clock::now();
    std::erase_if(taken_, [now](steady_clock::time_point when) { return now - when > at_once_within; });
    if (taken_.size() == most_at_once) {
      return false;
    }
    taken_.push_back(now);
    return true;
  }

 private:
  std::vector<steady_clock::time_point> taken_;
};

std::string version_of(const json& object) { return std::string(text_at(object, {"metadata", "resourceVersion"})); }

// False if either is not a number, because its age is unknown.
bool is_older(std::string_view version, std::string_view than) {
  const auto number = version_number(version);
  return number != 0 && number < version_number(than);
}

struct Empty {};  // nothing is known
struct Listing {  // some pages are known
  Pages pages;
};
struct Watching {  // everything is known as of this version
  std::string resource_version;
};
using State = std::variant<Empty, Listing, Watching>;

}  // namespace

// The state, and a step from each state to the next.
class Watcher::Session {
 public:
  Session(KubeClient& client, WatchScope scope, Handler on_event, HealthHandler on_health, CutHandler on_cut)
      : client_(client),
        scope_(std::move(scope)),
        on_event_(std::move(on_event)),
        on_health_(std::move(on_health)),
        on_cut_(std::move(on_cut)),
        page_size_(scope_.page_size) {}

  asio::awaitable<void> run() {
    try {
      while (true) {
        std::optional<Error> failure;
        try {
          co_await step();
        } catch (const UnreadableObject&) {
          works_ = false;  // this is reported, and so is its end
          throw;           // a narrower list may not include the object
        } catch (const Error& error) {
          failure = error;
        }
        if (failure && (failure->code() == ErrorCode::cancelled || is_final(*failure))) {
          works_ = works_ && !is_final(*failure);
          throw Error(*failure);
        }
        if (failure) {
          co_await recover(std::move(*failure));
        }
      }
    } catch (const std::system_error&) {
      // Asio's way to say that this coroutine was cancelled before it could wait.
      throw Error(ErrorCode::cancelled, "the watcher was cancelled");
    }
  }

  [[nodiscard]] bool lists_fail() const { return lists_fail_; }

 private:
  asio::awaitable<void> step() {
    if (const auto* watching = std::get_if<Watching>(&state_)) {
      return was_away_ ? check_revision() : watch(watching->resource_version);
    }
    const auto* listing = std::get_if<Listing>(&state_);
    return list(listing == nullptr ? Pages() : listing->pages);
  }

  asio::awaitable<void> list(Pages pages) {
    ListOptions options;
    options.field_selector = scope_.field_selector;
    options.label_selector = scope_.label_selector;
    options.metadata_only = scope_.metadata_only;
    bool begun = !pages.is_first();
    if (!lists_whole_) {
      options.limit = begun ? page_size_ : std::min(page_size_, first_page_size);
    }
    options.continue_token = pages.token();
    std::optional<ShortTurn> turn;
    if (begun || lists_whole_) {
      auto mine = co_await page_turns().enter();
      turn.emplace(co_await asio::this_coro::executor, std::move(mine), longest_page_turn);
    }
    const auto begin = [&] {
      if (!std::exchange(begun, true)) {
        tell(WatchEvent::Kind::restarted);
      }
    };
    const std::function<void(json&&)> on_item = [&](const json& item) {
      begin();
      tell(WatchEvent::Kind::applied, &item);
    };
    const ListPage page = co_await client_.list(scope_.collection, std::move(options), on_item);
    begin();
    note_revision(page.resource_version);
    if (pages.turn(page.continue_token)) {
      state_ = Listing{std::move(pages)};
      co_return;
    }
    if (page.resource_version.empty() || page.resource_version.size() > longest_version) {
      throw Error(ErrorCode::protocol, "a list of " + scope_.collection.resource + " has no resourceVersion");
    }
    state_ = Watching{page.resource_version};
    lists_whole_ = false;
    answered_ = true;
    tell(WatchEvent::Kind::synced);
    tell_health_of_lists();
  }

  // A server that was unreachable may have returned with an older store, and would let a watch from a later version
  // wait in silence. A minimal list shows the revision of the store. It selects by name, which reads one object and may
  // be all that a Role allows, but not by label, for which a server reads objects until it has found enough.
  asio::awaitable<void> check_revision() {
    ListOptions options;
    options.field_selector = scope_.field_selector;
    options.metadata_only = true;
    options.limit = 1;
    if (cut_) {
      options.timeout = cut_grace;
    }
    const std::function<void(json&&)> nobody = [](const json&) {};
    const ListPage page = co_await client_.list(scope_.collection, std::move(options), nobody);
    was_away_ = false;
    cut_.reset();
    answered_ = true;
    if (is_older(page.resource_version, newest_)) {  // a later revision does not count before its events arrive
      note_revision(page.resource_version);
    }
    tell_health_of_lists();
  }

  asio::awaitable<void> watch(std::string resource_version) {
    WatchOptions options;
    options.field_selector = scope_.field_selector;
    options.label_selector = scope_.label_selector;
    options.metadata_only = scope_.metadata_only;
    options.resource_version = std::move(resource_version);
    options.timeout_seconds = static_cast<int>(random_time(shortest_watch, longest_watch).count());
    opened_.reset();
    has_told_ = false;
    options.on_open = [this] {
      opened_ = steady_clock::now();
      if (!watches_fail()) {
        works();
      }
    };
    const auto begin = steady_clock::now();
    const std::function<void(const json&)> handler = [&](const json& event) {
      has_told_ = true;
      watch_works();
      on_watch_event(event);
    };
    co_await client_.watch(scope_.collection, std::move(options), handler);
    const auto lasted = steady_clock::now() - begin;
    if (lasted >= very_short) {
      watch_works();
    }
    if (has_told_ && (lasted >= very_short || at_once_.take())) {
      co_return;
    }
    if (lasted < very_short) {
      throw Error(ErrorCode::unreachable,
                  "the API server ends the watch of " + scope_.collection.resource + " at once");
    }
    if (lasted > longest_silence) {
      throw Error(ErrorCode::expired,
                  "the watch of " + scope_.collection.resource + " sent no event, not even a bookmark");
    }
  }

  // An event whose object has no version is delivered, but does not advance the version: the object must be read.
  void on_watch_event(const json& event) {
    const auto type = text_at(event, {"type"});
    const json& object = event.at("object");
    std::string version = version_of(object);
    if (version.size() > longest_version) {
      version.clear();
    }
    if (!version.empty()) {
      note_revision(version);
    }
    if (type == "ADDED" || type == "MODIFIED") {
      tell(WatchEvent::Kind::applied, &object);
    } else if (type == "DELETED") {
      tell(WatchEvent::Kind::deleted, &object);
    }  // a BOOKMARK only reports the server's revision
    if (!version.empty()) {
      state_ = Watching{std::move(version)};
    }
  }

  // Takes a revision of the server's store from a page or an event. One older than an earlier one means that the store
  // was restored from an older copy (kubernetes#107457): what is known may be from a lost future.
  void note_revision(const std::string& revision) {
    if (is_older(revision, newest_)) {
      newest_ = revision;
      throw Error(ErrorCode::expired, "the API server's storage was restored to an older state");
    }
    newest_ = revision;
  }

  // After a failure: decides where to resume, and waits.
  asio::awaitable<void> recover(Error failure) {
    const bool was_watching = std::holds_alternative<Watching>(state_);
    const bool expired = failure.code() == ErrorCode::expired;
    // If a page expires before it is read, the next list may fail the same way, so it is requested in one response, as
    // client-go's pager does (tools/pager, FullListIfExpired). If that fails, because it is too large for example,
    // pages are tried again.
    const bool was_whole = std::exchange(lists_whole_, expired && std::holds_alternative<Listing>(state_));
    const bool too_large = failure.code() == ErrorCode::protocol && !was_watching && !was_whole && page_size_ > 1;
    if (too_large) {
      page_size_ = std::max(1, page_size_ / 8);  // a page that is too large, or cut by a proxy's limit
    }
    if (expired || (failure.code() == ErrorCode::protocol && !was_watching) ||
        (was_watching && is_of_the_version(failure))) {
      state_ = Empty{};
    }
    lists_fail_ = !was_watching || was_away_;
    if (const auto cut = std::exchange(cut_, std::nullopt); cut && failure.code() == ErrorCode::timeout) {
      failure = *cut;
    }
    const bool was_cut = was_watching && !was_away_ && failure.code() == ErrorCode::unreachable && has_worked();
    if (was_watching && !was_away_ && !expired && failure.code() != ErrorCode::overloaded) {
      on_failed_watch(failure);
    }
    was_away_ = std::holds_alternative<Watching>(state_);
    // The version is too old (or the server new), so everything must be listed again. Or a load balancer cut a silent
    // connection, or the API server was replaced. These are no faults; if the server does not answer, the next step
    // reports that.
    if (((expired && was_watching) || was_cut) && at_once_.take()) {
      if (was_cut) {
        cut_ = failure;
        if (on_cut_) {
          on_cut_();
        }
      }
      co_return;
    }
    works_ = false;
    on_health_(failure);
    const auto wish = failure.retry_after().value_or(seconds(0));
    const auto delay = std::max<steady_clock::duration>(backoff_.next(), std::min<seconds>(wish, longest_wish));
    co_await sleep_for(delay);
  }

  // If watches fail but lists work, polls with lists, as client-go's Reflector does: changes are seen late, but they
  // are seen. Other requests still work in spite of this fault.
  void on_failed_watch(Error& failure) {
    const bool answered = std::exchange(answered_, false);
    failed_watches_ = has_worked() || !answered ? 0 : failed_watches_ + 1;
    if (watches_fail()) {
      state_ = Empty{};
      failure = Error(ErrorCode::server_error,
                      "watches of " + scope_.collection.resource +
                          " fail though lists are answered, so that changes are seen late: " + failure.message(),
                      "see whether a proxy before the API server ends long answers");
      polling_ = failure;
    }
  }

  // Called after a successful list.
  void tell_health_of_lists() {
    lists_fail_ = false;
    if (watches_fail()) {
      on_health_(polling_);
    } else {
      works();
    }
  }

  // Whether the last watch worked.
  [[nodiscard]] bool has_worked() const {
    return opened_ && (has_told_ || steady_clock::now() - *opened_ >= very_short);
  }

  [[nodiscard]] bool watches_fail() const { return failed_watches_ >= most_failed_watches; }

  void watch_works() {
    failed_watches_ = 0;
    works();
  }

  void tell(WatchEvent::Kind kind, const json* object = nullptr) { on_event_(WatchEvent{kind, object}); }

  void works() {
    if (!std::exchange(works_, true)) {
      on_health_(std::nullopt);
    }
  }

  static constexpr seconds longest_wish{300};

  KubeClient& client_;
  const WatchScope scope_;
  const Handler on_event_;
  const HealthHandler on_health_;
  const CutHandler on_cut_;
  State state_ = Empty{};
  JitteredBackoff backoff_;
  AtOnce at_once_;
  std::string newest_;  // of the revisions from the server
  int page_size_;
  bool lists_whole_ = false;  // the next list is one response, without pages
  bool works_ = false;
  bool lists_fail_ = false;
  bool was_away_ = false;     // the last watch failed, and the server's revision has not been checked since
  std::optional<Error> cut_;  // how it failed, if not yet reported
  std::optional<steady_clock::time_point> opened_;  // when the server accepted the last watch
  bool has_told_ = false;                           // that watch had an event
  bool answered_ = false;                           // a list succeeded since the last failure of a watch
  int failed_watches_ = 0;                          // consecutive ones, while lists succeed
  std::optional<Error> polling_;                    // why the watcher polls with lists, if it does
};

Watcher::Watcher(KubeClient& client, WatchScope scope, Handler on_event, HealthHandler on_health, CutHandler on_cut)
    : session_(std::make_unique<Session>(client, std::move(scope), std::move(on_event), std::move(on_health),
                                         std::move(on_cut))) {}

Watcher::~Watcher() = default;

asio::awaitable<void> Watcher::run() { return session_->run(); }

bool Watcher::lists_fail() const { return session_->lists_fail(); }

}  // namespace regsync::kube
