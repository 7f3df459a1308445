// List + watch of one collection, for ever: the Reflector of client-go (tools/cache/reflector.go) as a state machine.
//
//   Empty ──list page──► Listing ──last page──► Watching ──410 Expired──► Empty
//                           │                      │ timeout, connection lost, 429: watch again from the same version
//                           └──error: backoff──────┘
//
// A revision that is lower than one before it (an API server whose store was restored from an older copy) and a watch
// that told nothing for minutes lead to Empty too: all is listed again. So do watches that fail one after the other
// while lists are answered, as behind a proxy that ends long answers: then all is listed again and again. After an
// error the revision is asked for, by a list of one object, before the watch goes on: a watch of a later version than
// the store's would wait in silence.
//
// Guarantee to the handler: after each `synced`, the objects delivered since the `restarted` before it, with the
// events after it applied, are exactly what the server holds. No event is lost between list and watch. Lives on the
// io_context thread; the handler is called there and must not block.
#pragma once

#include <asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/kube/api/kube_client.hpp"

namespace regsync::kube {

struct WatchEvent {
  enum class Kind {
    restarted,  // a new list begins: what is not delivered again before `synced` is gone
    applied,    // the object exists, as given
    deleted,    // the object is gone; given is its last state
    synced,     // the list is complete
  };
  Kind kind = Kind::synced;
  const nlohmann::json* object = nullptr;  // for applied and deleted; valid during the call
};

struct WatchScope {
  ObjectPath collection;            // an empty name_space means all namespaces
  std::string field_selector = {};  // "metadata.name=x"
  std::string label_selector = {};  // "a=b"; an object that ceases to match is `deleted`
  bool metadata_only = false;
  int page_size = 500;
};

class Watcher {
 public:
  using Handler = std::function<void(const WatchEvent&)>;
  // Called with an error when the server cannot be listed or watched (after each try), with nullopt when it works
  // again.
  using HealthHandler = std::function<void(const std::optional<Error>&)>;
  // Called where something cut a watch that worked. That is no fault, unless it happens again and again, or nobody
  // answers any more; but who answers now may be another server.
  using CutHandler = std::function<void()>;

  // The client outlives the watcher.
  Watcher(KubeClient& client, WatchScope scope, Handler on_event, HealthHandler on_health, CutHandler on_cut = {});
  ~Watcher();
  // Whether the problem that was told last is that a list is not answered, and not a watch alone.
  [[nodiscard]] bool lists_fail() const;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  Watcher(Watcher&&) = delete;
  Watcher& operator=(Watcher&&) = delete;

  // Runs until cancelled, and then throws Error(cancelled); run again, it goes on from where it was. Transient faults
  // are retried with backoff. Throws Error(forbidden) when the server says that this identity may not list or watch
  // this scope, and UnreadableObject when it cannot decode what is in it: choosing a narrower one is the caller's
  // business.
  asio::awaitable<void> run();

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace regsync::kube
