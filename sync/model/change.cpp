#include "sync/model/change.hpp"

namespace regsync {

std::string_view to_string(Why why) {
  switch (why) {
    case Why::nothing:
      return "nothing differs";
    case Why::missing:
      return "it was missing";
    case Why::outdated:
      return "its logins or its target changed";
    case Why::drifted:
      return "somebody had changed it";
    case Why::unplaced:
      return "an older version had not noted its place";
    case Why::adopted:
      return "it was taken over with --adopt";
    case Why::target_removed:
      return "the target was removed";
    case Why::not_covered:
      return "the target no longer covers this place";
    case Why::unlabelled:
      return "the target's namespaceSelector does not match the labels of the namespace";
    case Why::logged_out:
      return "every login of the target is gone, and it says onLogout: remove";
    case Why::given_away:
      return "the target was removed with --keep-secrets";
    case Why::attach:
      return "the target names the ServiceAccount";
    case Why::detach:
      return "the target no longer names the ServiceAccount";
    case Why::heal:
      return "it could not pull, and what it waited for was repaired";
  }
  return "";
}

std::string_view to_string(Change::Kind kind) {
  switch (kind) {
    case Change::Kind::created:
      return "created";
    case Change::Kind::updated:
      return "updated";
    case Change::Kind::adopted:
      return "adopted";
    case Change::Kind::deleted:
      return "deleted";
    case Change::Kind::released:
      return "released";
    case Change::Kind::attached:
      return "attached";
    case Change::Kind::detached:
      return "detached";
    case Change::Kind::evicted:
      return "evicted";
  }
  return "";
}

std::string describe(const Change& change) {
  std::string text = change.pod.empty() ? "Secret " + change.secret + " " : "pod " + change.pod + " ";
  text.append(to_string(change.kind));
  if (change.kind == Change::Kind::attached || change.kind == Change::Kind::detached) {
    text.append(change.kind == Change::Kind::attached ? " to" : " from");
    text.append(" ServiceAccount ").append(change.service_account);
  }
  return text.append(": ").append(to_string(change.why));
}

}  // namespace regsync
