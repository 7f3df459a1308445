#include "sync/cluster/service_account.hpp"

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "helper/base/error.hpp"
#include "sync/model/resource_version.hpp"

namespace regsync {

namespace {

using nlohmann::json;

constexpr int max_races = 8;  // each lost to a writer that succeeded; more is not a race but a fight

std::set<std::string> split(std::string_view list) {
  std::set<std::string> names;
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (const auto name = list.substr(0, comma); !name.empty()) {
      names.emplace(name);
    }
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return names;
}

std::string join(const std::set<std::string>& names) {
  std::string list;
  for (const auto& name : names) {
    list += (list.empty() ? "" : ",") + name;
  }
  return list;
}

json test_version(const json& account) {
  return {
      {"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", account.at("metadata").at("resourceVersion")}};
}

// "/" inside a JSON pointer is "~1" (RFC 6901).
std::string annotation_pointer() {
  std::string name(attached_annotation);
  name.replace(name.find('/'), 1, "~1");
  return "/metadata/annotations/" + name;
}

json note_attached(const json& account, const std::set<std::string>& attached) {
  const bool has_annotations = account.at("metadata").contains("annotations");
  if (!has_annotations) {
    return {{"op", "add"}, {"path", "/metadata/annotations"}, {"value", {{attached_annotation, join(attached)}}}};
  }
  if (attached.empty()) {
    return {{"op", "remove"}, {"path", annotation_pointer()}};
  }
  return {{"op", "add"}, {"path", annotation_pointer()}, {"value", join(attached)}};
}

std::optional<json> attach_patch(const json& account, const std::string& secret) {
  auto view = view_service_account(account);
  if (view.pull_secrets.contains(secret)) {
    return std::nullopt;  // by us or by somebody: it is there, and what is not ours stays theirs
  }
  view.attached.insert(secret);
  const json entry{{"name", secret}};
  json patch = json::array({test_version(account)});
  if (account.contains("imagePullSecrets")) {
    patch.push_back({{"op", "add"}, {"path", "/imagePullSecrets/-"}, {"value", entry}});
  } else {
    patch.push_back({{"op", "add"}, {"path", "/imagePullSecrets"}, {"value", json::array({entry})}});
  }
  patch.push_back(note_attached(account, view.attached));
  return patch;
}

std::optional<json> detach_patch(const json& account, const std::string& secret) {
  auto view = view_service_account(account);
  if (view.attached.erase(secret) == 0) {
    return std::nullopt;
  }
  json patch = json::array({test_version(account)});
  const auto& entries = account.value("imagePullSecrets", json::array());
  for (std::size_t index = entries.size(); index-- > 0;) {  // from the back: indices before it stay right
    if (entries[index].value("name", "") == secret) {
      patch.push_back({{"op", "remove"}, {"path", "/imagePullSecrets/" + std::to_string(index)}});
    }
  }
  patch.push_back(note_attached(account, view.attached));
  return patch;
}

using MakePatch = std::function<std::optional<json>(const json&, const std::string&)>;

asio::awaitable<ServiceAccountView> change(kube::KubeClient& client, kube::ObjectPath path, std::string secret,
                                           MakePatch make_patch) {
  for (int race = 0; race < max_races; ++race) {
    const json account = co_await client.get(path);
    const auto patch = make_patch(account, secret);
    if (!patch) {
      co_return view_service_account(account);
    }
    try {
      const json changed = co_await client.json_patch(path, patch->dump());
      co_return view_service_account(changed);
    } catch (const Error& error) {
      // A failed test, and a conflict on the way to etcd, both mean: read again.
      if (error.code() != ErrorCode::rejected && error.code() != ErrorCode::stale) {
        throw;
      }
    }
  }
  throw Error(ErrorCode::stale,
              "ServiceAccount " + path.name_space + "/" + path.name + " changes too fast to be patched");
}

kube::ObjectPath account_path(std::string name_space, std::string account) {
  kube::ObjectPath path;
  path.resource = "serviceaccounts";
  path.name_space = std::move(name_space);
  path.name = std::move(account);
  return path;
}

}  // namespace

ServiceAccountView view_service_account(const json& account) {
  ServiceAccountView view;
  for (const auto& entry : account.value("imagePullSecrets", json::array())) {
    view.pull_secrets.insert(entry.value("name", ""));
  }
  if (const auto metadata = account.find("metadata"); metadata != account.end()) {
    const auto annotations = metadata->value("annotations", json::object());
    view.attached = split(annotations.value(std::string(attached_annotation), ""));
    view.version = version_number(metadata->value("resourceVersion", ""));
  }
  return view;
}

asio::awaitable<ServiceAccountView> attach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                       std::string account, std::string secret) {
  co_return co_await change(client, account_path(std::move(name_space), std::move(account)), std::move(secret),
                            attach_patch);
}

asio::awaitable<ServiceAccountView> detach_pull_secret(kube::KubeClient& client, std::string name_space,
                                                       std::string account, std::string secret) {
  try {
    co_return co_await change(client, account_path(std::move(name_space), std::move(account)), std::move(secret),
                              detach_patch);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::namespace_missing) {
      throw;
    }
  }
  co_return ServiceAccountView{};
}

}  // namespace regsync
