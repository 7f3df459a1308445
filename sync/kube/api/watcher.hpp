// List + watch of one collection, for ever: the Reflector of client-go (tools/cache/reflector.go) as a state machine.
//
//   Empty ──list page──► Listing ──last page──► Watching ──410 Expired──► Empty
//                           │                      │ timeout, connection lost, 429: watch again from the same version
//                           └──error: backoff──────┘
//
// A revision lower than an earlier one (the API server's store was restored from an older copy) and a watch that is
// silent for minutes lead to Empty, too: everything is listed again. So do watches that fail repeatedly while lists
// succeed, for example behind a proxy that cuts long responses: then the watcher polls with lists. After an error, a
// list of one object checks the revision before the watch resumes: a watch from a later version than the store's would
// wait in silence.
//
// Guarantee to the handler: after each `synced`, the objects delivered since the preceding `restarted`, with later
// events applied, are exactly what the server holds. No event is lost between list and watch. Lives on the io_context
// thread; the handler is called there and must not block.
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
    restarted,  // a new list begins: objects not delivered again before `synced` are gone
    applied,    // the object exists, as given
    deleted,    // the object is gone; `object` is its last state
    synced,     // the list is complete
  };
  Kind kind = Kind::synced;
  const nlohmann::json* object = nullptr;  // for applied and deleted; valid during the call
};

struct WatchScope {
  ObjectPath collection;            // an empty name_space means all namespaces
  std::string field_selector = {};  // "metadata.name=x"
  std::string label_selector = {};  // "a=b"; an object that no longer matches is `deleted`
  bool metadata_only = false;
  int page_size = 500;
};

class Watcher {
 public:
  using Handler = std::function<void(const WatchEvent&)>;
  // Called with an error after each failed attempt to list or watch, and with nullopt when it works again.
  using HealthHandler = std::function<void(const std::optional<Error>&)>;
  // Called when a working watch was cut. That is not a fault, unless it happens repeatedly or the server no longer
  // answers; but the server that answers now may be another one.
  using CutHandler = std::function<void()>;

  // The client must outlive the watcher.
  Watcher(KubeClient& client, WatchScope scope, Handler on_event, HealthHandler on_health, CutHandler on_cut = {});
  ~Watcher();
  // Whether the last reported problem affects lists, and not only watches.
  [[nodiscard]] bool lists_fail() const;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  Watcher(Watcher&&) = delete;
  Watcher& operator=(Watcher&&) = delete;

  // Runs until cancelled, then throws Error(cancelled); another call resumes where it stopped. Retries transient faults
  // with backoff. Throws Error(forbidden) if this identity may not list or watch this scope, and UnreadableObject if
  // the server cannot decode an object in it: the caller may then choose a narrower scope.
  asio::awaitable<void> run();

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

}  // namespace regsync::kube
