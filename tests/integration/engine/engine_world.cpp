#include "tests/integration/engine/engine_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/post.hpp>
#include <exception>
#include <utility>

#include "sync/base/base64.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync::test {

using nlohmann::json;

EngineProcess::EngineProcess(asio::io_context& io, const std::filesystem::path& footprint_folder,
                             const std::string& owner_id, int few_watches, std::chrono::milliseconds grace,
                             EngineHooks hooks, std::chrono::minutes move_pause)
    : footprints(footprint_folder),
      engine(io.get_executor(),
             {.cluster = {.owner = {owner_id, owner_id + " jdoe@laptop"},
                          .concurrency = 64,
                          .bulk = 4,
                          .few_watches = few_watches,
                          .on_written = [this](const Change& change) { changes.push_back(change); }},
              .state = footprint_folder.parent_path(),
              .grace = grace,
              .login_places = footprint_folder.parent_path() / "logins.json",
              .login_settle = grace,
              .move_pause = move_pause},
             footprints, std::move(hooks)) {
  engine.set_login_settings(/*verify=*/false, {});
}

EngineWorld::EngineWorld(const std::vector<std::string>& contexts) : contexts_(contexts.begin(), contexts.end()) {
  std::filesystem::create_directories(footprint_folder());
  for (const auto& context : contexts) {
    servers_[context] = std::make_unique<FakeApiServer>();
  }
}

EngineWorld::~EngineWorld() {
  try {
    if (process_) {
      stop();
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << "the engine did not stop: " << error.what();
  }
}

void EngineWorld::start() {
  wanted_.clear();
  const auto on_wanted = [this](const auto& wanted) {
    wanted_ = wanted;
    // As from the store's own thread: later, never inside the call.
    asio::post(io_, [this] { deliver_reading(); });
  };
  process_ =
      std::make_unique<EngineProcess>(io_, footprint_folder(), id_, watches_by_label ? -1 : few_watches, next_grace,
                                      EngineHooks{.on_wanted = on_wanted,
                                                  .on_change = [] {},
                                                  .read_again = [this] { process_->engine.set_targets(targets_); },
                                                  .read_logins_again = [this] { deliver_reading(); },
                                                  .read_kubeconfig_again = [this] { read_kubeconfig(); }},
                                      next_move_pause);
  process_->engine.set_targets(targets_);
  deliver_kubeconfig();
}

void EngineWorld::stop() {
  run(io_, process_->engine.stop());
  process_.reset();
  run_for(std::chrono::milliseconds(0));
}

bool EngineWorld::remembers_login(const std::string& registry) const {
  const auto file = dir_ / "logins.json";
  return std::filesystem::exists(file) && read_file(file).find("\"" + registry + "\"") != std::string::npos;
}

nlohmann::json EngineWorld::book_of(const std::string& context) const {
  const auto file = dir_ / "contexts.json";
  if (!std::filesystem::exists(file)) {
    return nlohmann::json::object();
  }
  return nlohmann::json::parse(read_file(file)).at("contexts").value(context, nlohmann::json::object());
}

bool EngineWorld::knows_cluster(const std::string& context) const { return !book_of(context).value("uid", "").empty(); }

bool EngineWorld::holds_cluster(const std::string& context) const { return book_of(context).contains("held"); }

std::map<std::string, std::string> EngineWorld::own_namespaces(const std::string& target) const {
  const Footprint* footprint = process_->footprints.find(target);
  return footprint == nullptr ? std::map<std::string, std::string>() : footprint->own_namespaces;
}

void EngineWorld::lose_state(const std::string& new_id) {
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    std::filesystem::remove_all(entry.path());
  }
  std::filesystem::create_directories(footprint_folder());
  id_ = new_id;
}

void EngineWorld::deliver_reading() {
  if (!process_ || frozen_) {
    return;
  }
  StoreReading logins;
  if (provider_.empty()) {
    logins.problem = Error(ErrorCode::store_unavailable, "nobody answers for the keyring", "start one");
  } else if (locked_) {
    logins.problem = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  } else {
    logins.asked = wanted_;
    logins.provider = StoreProvider{.program = provider_, .pid = 1, .bus_name = ":1.1"};
    for (const auto& [path, collection] : stores_.at(provider_)) {
      if (collection.state == CollectionState::closed) {
        continue;
      }
      const bool is_locked = collection.state == CollectionState::locked;
      logins.collections.push_back(
          {.path = path, .label = path.substr(1), .locked = is_locked, .is_default = logins.collections.empty()});
      for (const auto& [server, login] :
           is_locked ? std::map<std::string, std::pair<std::string, std::string>>() : collection.logins) {
        logins.all.push_back({{server, login.first}, path});
        if (wanted_.contains(RegistryKey(server))) {
          logins.credentials.push_back({{server, login.first}, SecretString(login.second)});
        }
      }
    }
  }
  process_->engine.set_logins(std::move(logins));
}

bool EngineWorld::login(const std::string& server, const std::string& password, const std::string& user) {
  Collection* chosen = nullptr;
  for (auto& [path, collection] : stores_.at(provider_)) {
    const bool writable = collection.state == CollectionState::open;
    const bool has_it = collection.logins.contains(server);
    if (has_it && !writable) {
      return false;  // the program asks to unlock it first
    }
    if (writable && (chosen == nullptr || has_it)) {
      chosen = &collection;
    }
  }
  if (chosen == nullptr) {
    return false;
  }
  chosen->logins[server] = {user, password};
  deliver_reading();
  return true;
}

void EngineWorld::logout(const std::string& server) {
  for (auto& [path, collection] : stores_.at(provider_)) {
    if (collection.state == CollectionState::open) {
      collection.logins.erase(server);
    }
  }
  deliver_reading();
}

void EngineWorld::set_collection(const std::string& path, CollectionState state) {
  stores_.at(provider_).at(path).state = state;
  deliver_reading();
}

void EngineWorld::set_provider(const std::string& program) {
  provider_ = program;
  deliver_reading();
}

std::vector<std::string> EngineWorld::collections() const {
  std::vector<std::string> paths;
  for (const auto& [path, collection] : stores_.at(provider_)) {
    paths.push_back(path);
  }
  return paths;
}

bool EngineWorld::shows_login(const std::string& server) const {
  return !provider_.empty() && !locked_ && std::ranges::any_of(stores_.at(provider_), [&](const auto& item) {
    return item.second.state == CollectionState::open && item.second.logins.contains(server);
  });
}

bool EngineWorld::keeps_login(const std::string& program, const std::string& server) const {
  return std::ranges::any_of(stores_.at(program),
                             [&](const auto& item) { return item.second.logins.contains(server); });
}

void EngineWorld::lock(bool locked) {
  locked_ = locked;
  deliver_reading();
}

void EngineWorld::put_target(const Target& target) {
  targets_[target.name] = {target, std::nullopt};
  if (process_) {
    process_->engine.set_targets(targets_);
  }
}

void EngineWorld::malform_target(const std::string& name) {
  targets_[name].problem = Error(ErrorCode::invalid_input, name + ".yaml:1: not YAML", "mend it");
  if (process_) {
    process_->engine.set_targets(targets_);
  }
}

void EngineWorld::lose_target(const std::string& name) {
  targets_.erase(name);
  if (process_) {
    process_->engine.set_targets(targets_);
  }
}

void EngineWorld::forget_target(const std::string& name, bool keep_secrets) {
  process_->engine.forget_target(name, keep_secrets, [&] { targets_.erase(name); });
  process_->engine.set_targets(targets_);
}

void EngineWorld::replace_target(const Target& target) {
  put_target(target);
  process_->engine.confirm_target(target.name);
}

void EngineWorld::switch_namespace(const std::string& context, const std::string& name_space) {
  current_namespaces_[context] = name_space;
  deliver_kubeconfig();
}

void EngineWorld::set_contexts(const std::set<std::string>& contexts) {
  contexts_ = contexts;
  deliver_kubeconfig();
}

void EngineWorld::deliver_kubeconfig() { set_kubeconfig(kubeconfig()); }

std::string EngineWorld::kubeconfig() const {
  std::string clusters;
  std::string contexts;
  for (const auto& context : contexts_) {
    auto url = servers_.at(cluster_of(context))->url();
    if (other_addresses_.contains(context)) {
      url.replace(url.find("127.0.0.1"), 9, "localhost");
    }
    clusters += "- name: " + context + "\n  cluster:\n    server: " + url + "\n";
    contexts += "- name: " + context + "\n  context:\n    cluster: " + context + "\n    user: u\n";
    if (const auto current = current_namespaces_.find(context); current != current_namespaces_.end()) {
      contexts += "    namespace: " + current->second + "\n";
    }
  }
  return "apiVersion: v1\nkind: Config\nusers:\n- name: u\n  user: {}\nclusters:\n" + clusters + "contexts:\n" +
         contexts;
}

std::string EngineWorld::cluster_of(const std::string& context) const {
  const auto alias = aliases_.find(context);
  return alias == aliases_.end() ? context : alias->second;
}

void EngineWorld::add_alias(const std::string& alias, const std::string& context, bool other_address) {
  aliases_[alias] = context;
  if (other_address) {
    other_addresses_.insert(alias);
  }
  contexts_.insert(alias);
  deliver_kubeconfig();
}

FakeApiServer& EngineWorld::replace_cluster(const std::string& context) {
  retired_servers_.push_back(std::exchange(servers_.at(context), std::make_unique<FakeApiServer>()));
  deliver_kubeconfig();
  return *servers_.at(context);
}

void EngineWorld::set_kubeconfig(const std::string& text) {
  if (process_) {
    dir_.write("kubeconfig", text);
    read_kubeconfig();
  }
}

void EngineWorld::let_kubeconfig_age() {
  std::filesystem::last_write_time(dir_ / "kubeconfig",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  read_kubeconfig();
}

void EngineWorld::read_kubeconfig() {
  try {
    process_->engine.set_kubeconfig(kube::Kubeconfig::load(dir_ / "kubeconfig"));
  } catch (const Error& error) {
    process_->engine.set_kubeconfig_problem(error);
  }
}

std::optional<json> EngineWorld::secret(const std::string& name_space, const std::string& name,
                                        const std::string& context) const {
  return servers_.at(cluster_of(context))->find({"secrets", name_space, name});
}

std::size_t EngineWorld::writes() const {
  std::size_t writes = 0;
  for (const auto& [name, server] : servers_) {
    writes += server->writes();
  }
  return writes;
}

void EngineWorld::forget_requests() {
  for (const auto& [name, server] : servers_) {
    server->forget_requests();
  }
}

void EngineWorld::run_for(std::chrono::milliseconds time) {
  run_until(io_, [] { return false; }, time);
}

void EngineWorld::sync(std::optional<std::string> target, bool adopt) {
  std::vector<std::string> targets;
  if (target) {
    targets.push_back(*target);
  }
  run(io_, process_->engine.sync(targets, adopt), std::chrono::seconds(60));
}

std::optional<StatusRow> EngineWorld::row(const std::string& name_space, const std::string& context,
                                          const std::string& target) {
  for (const auto& row : process_->engine.status(target).rows) {
    if (row.name_space == name_space && row.context == context) {
      return row;
    }
  }
  return std::nullopt;
}

std::optional<SyncState> EngineWorld::state(const std::string& name_space, const std::string& context,
                                            const std::string& target) {
  const auto found = row(name_space, context, target);
  return found ? std::optional(found->state) : std::nullopt;
}

std::optional<ErrorCode> EngineWorld::cause(const std::string& name_space, const std::string& context,
                                            const std::string& target) {
  const auto found = row(name_space, context, target);
  return found && found->cause ? std::optional(found->cause->code()) : std::nullopt;
}

Target make_target(std::vector<std::string> namespaces, std::vector<std::string> contexts) {
  Target target;
  target.name = "t";
  target.secret = "cred";
  target.registries = {"ghcr.io"};
  target.contexts = std::move(contexts);
  target.namespaces = std::move(namespaces);
  return target;
}

json foreign_secret(const std::string& password) {
  const auto auth = base64_encode("them:" + password);
  const json content{{"auths", {{"ghcr.io", {{"username", "them"}, {"password", password}, {"auth", auth}}}}}};
  return {{"type", pull_secret_type}, {"data", {{".dockerconfigjson", base64_encode(content.dump())}}}};
}

std::map<std::string, std::string> entries_of(const json& secret) {
  std::map<std::string, std::string> entries;
  const auto data = secret.value("data", json::object()).value(".dockerconfigjson", "");
  const auto content = json::parse(base64_decode(data).value_or(""), nullptr, false);
  if (content.is_object()) {
    const auto auths = content.value("auths", json::object());
    for (const auto& [registry, entry] : auths.items()) {
      entries[registry] = entry.value("username", "") + ":" + entry.value("password", "");
    }
  }
  return entries;
}

bool is_ours(const json& secret, const std::string& owner_id) {
  const auto& metadata = secret.at("metadata");
  const auto labels = metadata.value("labels", json::object());
  const auto annotations = metadata.value("annotations", json::object());
  return labels.value(std::string(managed_by_label), "") == managed_by_value &&
         annotations.contains(target_annotation) &&
         annotations.value(std::string(place_annotation), "") ==
             place_of(metadata.value("namespace", ""), metadata.value("name", "")) &&
         annotations.value(std::string(owner_annotation), "").starts_with(owner_id);
}

std::vector<std::string> pull_secrets_of(const json& account) {
  std::vector<std::string> names;
  for (const auto& entry : account.value("imagePullSecrets", json::array())) {
    names.push_back(entry.value("name", ""));
  }
  return names;
}

}  // namespace regsync::test
