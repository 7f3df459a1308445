#include "sync/cluster/service_account.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/field_manager.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/resource_version.hpp"
#include "sync/model/names.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync {

namespace {

using nlohmann::json;

// More than any pod can use. Longer lists are not kept: anybody who may write ServiceAccounts could fill the memory
// with them.
constexpr std::size_t most_entries = 1000;
constexpr std::size_t longest_owner_id = 63;  // see load_owner
constexpr std::size_t longest_uid = 63;       // a UUID has 36

constexpr int max_races = 8;  // each lost to a successful writer; more is not a race but a fight

using Attached = std::map<std::string, std::string>;  // ServiceAccountView::attached

// The text before the separator, and the text after it.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const auto at = text.find(separator);
  return {text.substr(0, at), at == std::string_view::npos ? std::string_view() : text.substr(at + 1)};
}

Attached parse_attached(std::string_view list) {
  Attached attached;
  while (!list.empty()) {
    const auto [entry, rest] = cut(list, ',');
    if (const auto [name, owner_id] = cut(entry, '='); is_object_name(name) && owner_id.size() <= longest_owner_id) {
      attached.emplace(name, owner_id);
    }
    list = rest;
  }
  return attached;
}

std::string text_of(const Attached& attached) {
  std::vector<std::string> entries;
  for (const auto& [name, owner_id] : attached) {
    entries.push_back(owner_id.empty() ? name : name + "=" + owner_id);
  }
  return join(entries, ",");
}

// "/" inside a JSON pointer is "~1" (RFC 6901).
std::string annotation_pointer(std::string_view annotation) {
  std::string name(annotation);
  name.replace(name.find('/'), 1, "~1");
  return "/metadata/annotations/" + name;
}

// Whether regsync itself wrote the annotation, according to managedFields: whoever copies an object becomes the manager
// of the copy's fields.
bool is_annotated_by_us(const json& account) {
  const auto field = "f:" + std::string(attached_annotation);
  for (const auto& entry : list_at(account, {"metadata", "managedFields"})) {
    if (text_at(entry, {"manager"}) == field_manager &&
        find_at(entry, {"fieldsV1", "f:metadata", "f:annotations", field}) != nullptr) {
      return true;
    }
  }
  return false;
}

bool is_attached_here(const json& account) {
  const auto place = text_at(account, {"metadata", "annotations", place_annotation});
  return place.empty()  // written before places were recorded
             ? is_annotated_by_us(account)
             : is_in_its_place(place, text_at(account, {"metadata", "namespace"}),
                               text_at(account, {"metadata", "name"}));
}

std::string_view attached_text(const json& account) {
  return text_at(account, {"metadata", "annotations", attached_annotation});
}

bool has_too_many_entries(const json& account) {
  return list_at(account, {"imagePullSecrets"}).size() > most_entries ||
         static_cast<std::size_t>(std::ranges::count(attached_text(account), ',')) >= most_entries;
}

json test_version(const json& account) {
  return {{"op", "test"},
          {"path", "/metadata/resourceVersion"},
          {"value", text_at(account, {"metadata", "resourceVersion"})}};
}

void note_attached(const json& account, const Attached& attached, json& patch) {
  const auto place = place_of(text_at(account, {"metadata", "namespace"}), text_at(account, {"metadata", "name"}));
  const json& annotations = map_at(account, {"metadata", "annotations"});
  if (annotations.empty()) {
    patch.push_back({{"op", "add"},
                     {"path", "/metadata/annotations"},
                     {"value", {{attached_annotation, text_of(attached)}, {place_annotation, place}}}});
    return;
  }
  const auto put = [&](std::string_view annotation, const std::string& value) {
    patch.push_back({{"op", "add"}, {"path", annotation_pointer(annotation)}, {"value", value}});
  };
  const auto drop = [&](std::string_view annotation) {
    if (annotations.contains(annotation)) {
      patch.push_back({{"op", "remove"}, {"path", annotation_pointer(annotation)}});
    }
  };
  if (attached.empty()) {
    drop(attached_annotation);
    drop(place_annotation);
  } else {
    put(attached_annotation, text_of(attached));
    put(place_annotation, place);
  }
}

std::optional<json> attach_patch(const json& account, const std::string& secret, const std::string& owner_id) {
  auto view = view_service_account(account);
  if (has_too_many_entries(account)) {
    return std::nullopt;  // lists of this size are not checked for it
  }
  if (view.pull_secrets.contains(secret)) {
    return std::nullopt;  // it exists already; if somebody else added it, it stays theirs
  }
  view.attached.insert_or_assign(secret, owner_id);
  const json entry{{"name", secret}};
  json patch = json::array({test_version(account)});
  const json* entries = find_at(account, {"imagePullSecrets"});
  if (entries != nullptr && entries->is_array()) {
    patch.push_back({{"op", "add"}, {"path", "/imagePullSecrets/-"}, {"value", entry}});
  } else {
    patch.push_back({{"op", "add"}, {"path", "/imagePullSecrets"}, {"value", json::array({entry})}});
  }
  note_attached(account, view.attached, patch);
  return patch;
}

std::optional<json> detach_patch(const json& account, const std::string& secret, const std::string& owner_id) {
  auto view = view_service_account(account);
  if (!view.is_attached(secret, owner_id)) {
    return std::nullopt;
  }
  view.attached.erase(secret);
  json patch = json::array({test_version(account)});
  const json& entries = list_at(account, {"imagePullSecrets"});
  for (std::size_t index = entries.size(); index-- > 0;) {  // from the back, so that earlier indices stay valid
    if (text_at(entries[index], {"name"}) == secret) {
      patch.push_back({{"op", "remove"}, {"path", "/imagePullSecrets/" + std::to_string(index)}});
    }
  }
  note_attached(account, view.attached, patch);
  return patch;
}

json patched(const json& account, std::optional<json> patch) {
  const json* metadata = find_at(account, {"metadata"});
  if (!patch || metadata == nullptr || !metadata->is_object()) {  // nothing to change, or not a Kubernetes object
    return account;
  }
  patch->erase(0);  // the test of the resourceVersion
  return account.patch(*patch);
}

using MakePatch = std::function<std::optional<json>(const json& account)>;

std::string subject_of(const kube::ObjectPath& path) { return "ServiceAccount " + path.name_space + "/" + path.name; }

Error too_many_entries(const std::string& subject) {
  return {ErrorCode::rejected, subject + " has more than " + std::to_string(most_entries) + " imagePullSecrets",
          "see who adds them, and remove what pods do not need; or take it out of `serviceAccounts:` of the target"};
}

// A refusal of the patch itself, not a lost race.
Error refusal(const kube::ObjectPath& path, const Error& error) {
  return {ErrorCode::rejected, subject_of(path) + " cannot be changed: " + error.message(),
          "an admission rule of the cluster may forbid it: ask who runs the cluster, or take the ServiceAccount out of "
          "`serviceAccounts:` of the target"};
}

asio::awaitable<AccountAnswer> change(kube::KubeClient& client, kube::ObjectPath path, MakePatch make_patch) {
  std::optional<Error> refused;  // the last refusal; an unchanged version means that no race caused it
  std::string refused_version;
  for (int race = 0; race < max_races; ++race) {
    const json account = co_await client.get(path);
    const auto patch = make_patch(account);
    if (!patch) {
      co_return AccountAnswer{view_service_account(account), false};
    }
    const auto version = resource_version_of(account);
    if (refused && version == refused_version) {
      throw refusal(path, *refused);  // no write in between: the patch itself is refused
    }
    try {
      const json changed = co_await client.json_patch(path, patch->dump());
      co_return AccountAnswer{view_service_account(changed), true};
    } catch (const Error& error) {
      if (error.code() != ErrorCode::stale) {
        throw;
      }
      refused = error;  // a failed test, or a conflict on the way to etcd: read again
      refused_version = version;
    }
  }
  throw Error(ErrorCode::stale, subject_of(path) + " changed on every attempt to patch it");
}

kube::ObjectPath account_path(std::string name_space, std::string account) {
  kube::ObjectPath path;
  path.resource = "serviceaccounts";
  path.name_space = std::move(name_space);
  path.name = std::move(account);
  return path;
}

}  // namespace

bool ServiceAccountView::is_attached(const std::string& secret, std::string_view owner_id) const {
  const auto entry = attached.find(secret);
  return entry != attached.end() && (owner_id.empty() || entry->second.empty() || entry->second == owner_id);
}

ServiceAccountView view_service_account(const json& account) {
  ServiceAccountView view;
  view.version = version_number(text_at(account, {"metadata", "resourceVersion"}));
  view.uid = prefix_of(text_at(account, {"metadata", "uid"}), longest_uid);
  if (has_too_many_entries(account)) {
    return view;
  }
  for (const auto& entry : list_at(account, {"imagePullSecrets"})) {
    if (const auto name = text_at(entry, {"name"}); is_object_name(name)) {
      view.pull_secrets.emplace(name);
    }
  }
  if (is_attached_here(account)) {
    view.attached = parse_attached(attached_text(account));
  }
  return view;
}

json attached(const json& account, const std::string& secret, const std::string& owner_id) {
  return patched(account, attach_patch(account, secret, owner_id));
}

json detached(const json& account, const std::string& secret, const std::string& owner_id) {
  return patched(account, detach_patch(account, secret, owner_id));
}

asio::awaitable<std::optional<ServiceAccountView>> read_service_account(kube::KubeClient& client,
                                                                        std::string name_space, std::string account) {
  try {
    const json found = co_await client.get(account_path(std::move(name_space), std::move(account)));
    co_return view_service_account(found);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
  }
  co_return std::nullopt;
}

asio::awaitable<AccountAnswer> attach_pull_secret(kube::KubeClient& client, std::string name_space, std::string account,
                                                  std::string secret, std::string owner_id) {
  // Named, as in detach_pull_secret: g++ 12 destroys some temporaries of a co_await twice.
  kube::ObjectPath path = account_path(std::move(name_space), std::move(account));
  MakePatch make_patch = [&, subject = subject_of(path)](const json& found) {
    if (has_too_many_entries(found)) {
      throw too_many_entries(subject);
    }
    return attach_patch(found, secret, owner_id);
  };
  co_return co_await change(client, std::move(path), std::move(make_patch));
}

asio::awaitable<std::optional<AccountAnswer>> detach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                                 std::string account, std::string secret,
                                                                 std::string owner_id) {
  try {
    kube::ObjectPath path = account_path(std::move(name_space), std::move(account));
    MakePatch make_patch = [&](const json& found) { return detach_patch(found, secret, owner_id); };
    co_return co_await change(client, std::move(path), std::move(make_patch));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
  }
  co_return std::nullopt;
}

}  // namespace regsync
