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
// The first page of a list is small, so that what it brings is worked on while the server makes the others.
constexpr int first_page_size = 100;
// Pages after the first, which may be large, are asked for by a few watchers at a time: all contexts of a fleet list at
// the start of this process, and would need the memory of all their pages at once.
constexpr std::size_t most_pages_at_once = 16;
constexpr milliseconds longest_page_turn(2000);
// reflector.go: "very short watch": a server that ends watches at once is not to be asked at once again.
constexpr auto very_short = seconds(1);
// So many watches that fail one after the other, while lists are answered, are no chance: something between here and
// the API server does not let watches pass.
constexpr int most_failed_watches = 2;
// A watch that expires, ends or is cut is begun again at once, so often in such a time. A server that ends one after
// the other would have its client list and watch as fast as the network goes.
constexpr std::size_t most_at_once = 3;
constexpr auto at_once_within = seconds(30);
// After a watch was cut, an API server that is there answers in this time. Else the cut is told as a fault.
constexpr auto cut_grace = seconds(2);
// In bytes. etcd's are numbers.
constexpr std::size_t longest_version = 1024;
// A watch has a bookmark each minute. One that had none in this time may be waiting for a revision that the server, set
// back to an older state, has not reached yet: nothing at all would be told until then (kubernetes#107457).
constexpr auto longest_silence = std::chrono::minutes(4);

// A fault that ends a scope's watch for good: somebody else must choose another one.
bool is_final(const Error& error) { return error.code() == ErrorCode::forbidden; }

// A fault that the same watch would meet again: the server does not take its version, or libcurl the URL with it.
bool is_of_the_version(const Error& error) {
  return error.code() == ErrorCode::expired || error.code() == ErrorCode::rejected ||
         error.code() == ErrorCode::kubeconfig || error.code() == ErrorCode::internal;
}

// One thread runs all watchers.
Limiter& page_turns() {
  static thread_local Limiter turns(most_pages_at_once);
  return turns;
}

class JitteredBackoff {
 public:
  // Full jitter: anything up to the current step, so that a restarted server is not met by all clients at once.
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

// What may be done at once, and how often.
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

// False where one of them is no number: it may be of any age.
bool is_older(std::string_view version, std::string_view than) {
  const auto number = version_number(version);
  return number != 0 && number < version_number(than);
}

struct Empty {};  // nothing is known
struct Listing {  // some pages are known
  Pages pages;
};
struct Watching {  // all is known as of this version
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
          works_ = false;  // this is told, and so is its end
          throw;           // a narrower list may do without it
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

  // A server that was away may have come back with an older store: it would let a watch of a later version wait in
  // silence. The smallest list tells how far the store is. A server looks for objects with a label until it has found
  // as many as were asked for, or none is left, so no label is asked for; by name it reads one object, and a Role may
  // allow no other.
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
    if (is_older(page.resource_version, newest_)) {  // a later one is no news before its events
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

  // An event whose object has no version is told all the same, and moves nothing: what it is about must be read.
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
    }  // a BOOKMARK only says how far the server is
    if (!version.empty()) {
      state_ = Watching{std::move(version)};
    }
  }

  // A revision of the server's store, as a page or an event tells it. One that is older than another before it means
  // that the store was restored from an older copy (kubernetes#107457): what is known may be of a future that never
  // was.
  void note_revision(const std::string& revision) {
    if (is_older(revision, newest_)) {
      newest_ = revision;
      throw Error(ErrorCode::expired, "the API server's storage was restored to an older state");
    }
    newest_ = revision;
  }

  // After a failure: where to go on, and when.
  asio::awaitable<void> recover(Error failure) {
    const bool was_watching = std::holds_alternative<Watching>(state_);
    const bool expired = failure.code() == ErrorCode::expired;
    // Pages that expire before their turn may do so again, and then only a list in one answer comes to its end, as
    // client-go's pager has it (tools/pager, FullListIfExpired). Where that fails, as one that is too large, pages are
    // tried again.
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
    // The version is too old (or the server new): all must be listed again. Or a load balancer cut what was silent for
    // long, or the API server is another one now. These are no faults; if nobody answers, that is told after the next
    // step.
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

  // Where watches do not work and lists do, all is listed again and again, as client-go's Reflector does: what changes
  // is seen late, but it is seen. The fault is none that keeps requests from being answered.
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

  // After a list was answered.
  void tell_health_of_lists() {
    lists_fail_ = false;
    if (watches_fail()) {
      on_health_(polling_);
    } else {
      works();
    }
  }

  // The last watch did.
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
  std::string newest_;  // of the revisions that the server told
  int page_size_;
  bool lists_whole_ = false;  // the next list is one answer, without pages
  bool works_ = false;
  bool lists_fail_ = false;
  bool was_away_ = false;     // the last watch failed, and what the server holds since is not known
  std::optional<Error> cut_;  // how it failed, where that is not told yet
  std::optional<steady_clock::time_point> opened_;  // when the server began to answer the last watch
  bool has_told_ = false;                           // that watch had an event
  bool answered_ = false;                           // a list was, since a watch failed last
  int failed_watches_ = 0;                          // one after the other, while lists are answered
  std::optional<Error> polling_;                    // why all is listed again and again, where it is
};

Watcher::Watcher(KubeClient& client, WatchScope scope, Handler on_event, HealthHandler on_health, CutHandler on_cut)
    : session_(std::make_unique<Session>(client, std::move(scope), std::move(on_event), std::move(on_health),
                                         std::move(on_cut))) {}

Watcher::~Watcher() = default;

asio::awaitable<void> Watcher::run() { return session_->run(); }

bool Watcher::lists_fail() const { return session_->lists_fail(); }

}  // namespace regsync::kube
