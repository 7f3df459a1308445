#include "sync/logins/denied_logins.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = std::size_t{1} << 20U;
// More registries than anybody names; the oldest denial is dropped first.
constexpr std::size_t max_denials = 1000;

DeniedLogins::Time seconds_at(const json& object, const char* name) {
  return std::chrono::floor<std::chrono::seconds>(time_at(object, {name}).value_or(DeniedLogins::Time()));
}

}  // namespace

DeniedLogins::DeniedLogins(std::filesystem::path file) : file_(std::move(file)) {
  if (!file_.empty()) {
    problem_ = guarded([this] { read(); });
  }
}

const DeniedLogins::Denial* DeniedLogins::find(const RegistryKey& registry, const LoginMark& mark) const {
  const auto found = denials_.find(registry);
  return found != denials_.end() && found->second.mark == mark ? &found->second : nullptr;
}

void DeniedLogins::add(const RegistryKey& registry, Denial denial) {
  if (file_.empty()) {
    return;
  }
  if (denial.mark.changed == Time()) {
    drop(registry);
    return;
  }
  denials_.insert_or_assign(registry, std::move(denial));
  if (denials_.size() > max_denials) {
    denials_.erase(std::ranges::min_element(denials_, {}, [](const auto& item) { return item.second.tried; }));
  }
  problem_ = guarded([this] { write(); });
}

void DeniedLogins::drop(const RegistryKey& registry) {
  if (denials_.erase(registry) > 0) {
    problem_ = guarded([this] { write(); });
  }
}

// {"denied": [{"registry": "ghcr.io", "collection", "changed": seconds, "tried": seconds, "said"}]}
void DeniedLogins::read() {
  const auto text = read_file_if_exists(file_, max_file_bytes);
  const json document = text ? parse_json(*text).value_or(json()) : json();
  for (const json& item : list_at(document, {"denied"})) {
    const LoginMark mark{std::string(text_at(item, {"collection"})), seconds_at(item, "changed")};
    if (mark.changed != Time() && denials_.size() < max_denials) {
      denials_.insert_or_assign(RegistryKey(text_at(item, {"registry"})),
                                Denial{mark, seconds_at(item, "tried"), presentable(text_at(item, {"said"}))});
    }
  }
}

void DeniedLogins::write() {
  json denied = json::array();
  for (const auto& [registry, denial] : denials_) {
    denied.push_back({{"registry", registry.value()},
                      {"collection", denial.mark.collection},
                      {"changed", denial.mark.changed.time_since_epoch().count()},
                      {"tried", denial.tried.time_since_epoch().count()},
                      {"said", denial.said}});
  }
  write_whole(file_, json{{"denied", denied}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace regsync
