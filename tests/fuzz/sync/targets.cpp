#include "tests/fuzz/sync/targets.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "helper/base/error.hpp"
#include "sync/cluster/namespace_view.hpp"
#include "sync/cluster/service_account.hpp"
#include "sync/config/settings.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/control/messages.hpp"
#include "sync/logins/credential_helpers.hpp"
#include "sync/logins/docker_config_file.hpp"
#include "sync/logins/login_files.hpp"
#include "sync/logins/registry_protocol.hpp"
#include "sync/model/docker_config_json.hpp"
#include "sync/model/image.hpp"
#include "sync/model/label_selector.hpp"
#include "sync/model/pod.hpp"
#include "sync/model/pull_cause.hpp"
#include "sync/model/secret_object.hpp"
#include "tests/fuzz/input.hpp"

namespace regsync::fuzz {
using nlohmann::json;

void target_file(std::string_view bytes) {
  refused_or([&] {
    const Target target = parse_target("fuzz", bytes, "fuzz.yaml");
    require(parse_target("fuzz", to_yaml(target), "again.yaml") == target, "a target differs after it was written");
  });
}

void settings_file(std::string_view bytes) {
  const InMemory file(bytes);
  refused_or([&] { static_cast<void>(load_settings(file.path())); });
}

void docker_config(std::string_view bytes) {
  const InMemory file(bytes);
  refused_or([&] {
    const DockerConfigFile config(file.path());
    static_cast<void>(config.store_helper());
    static_cast<void>(config.foreign_helpers());
    static_cast<void>(config.registries_with_helpers());
    static_cast<void>(config.plain_logins());
  });
  LoginFiles files({file.path()});
  const StoreReading reading = files.read({RegistryKey("ghcr.io"), RegistryKey("docker.io")});
  require(reading.credentials.size() + reading.problems.size() <= 2, "a login that nobody asked for");
}

void pull_secret(std::string_view bytes) {
  const PullEntries entries = parse_docker_config_json(bytes);
  static_cast<void>(Payload(entries));
  for (const auto format : {PullSecretFormat::dockerconfigjson, PullSecretFormat::dockercfg}) {
    refused_or([&] {
      const auto of_kubelet = read_for_kubelet(bytes, format);
      static_cast<void>(entries_for(of_kubelet, "ghcr.io/team/app"));
    });
  }
}

void secret_object(std::string_view bytes) {
  const json object = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) {
    refused_or([&] { static_cast<void>(read_secret(bytes, "0123456789abcdef")); });
    return;
  }
  static_cast<void>(view_secret(object, "0123456789abcdef"));
  static_cast<void>(view_service_account(object));
  static_cast<void>(detached(attached(object, "regcred", "id"), "regcred", "id").dump());
  static_cast<void>(view_namespace(object));
  static_cast<void>(read_pod(object));
  static_cast<void>(read_pull_secret("regcred", object));
  refused_or([&] { static_cast<void>(read_secret(bytes, "0123456789abcdef")); });
}

void control_message(std::string_view bytes) {
  const json message = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (message.is_discarded()) {
    return;
  }
  refused_or([&] { static_cast<void>(control::report_from_json(message)); });
  refused_or([&] { static_cast<void>(control::error_from_json(message)); });
  static_cast<void>(control::to_json(control::query_from_json(message)));
}

void helper_answer(std::string_view bytes) {
  refused_or([&] {
    const auto login = parse_helper_answer({.helper = "fuzz", .server = "registry.example", .every = {}}, bytes);
    const auto secret = login.secret.reveal();
    require(!secret.empty() && !login.login.username.empty(), "a login without a part");
    // Short ones are a part of many words.
    require(secret.size() < 4 || quotable(bytes, &login).find(secret) == std::string::npos, "a login is quoted");
  });
  static_cast<void>(json(quotable(bytes)).dump());
  static_cast<void>(json(quotable_answer(bytes, 1)).dump());
}

void challenge(std::string_view bytes) {
  const Challenge found = parse_challenge(bytes);
  require(found.scheme.empty() || found.scheme == "bearer" || found.scheme == "basic", "a scheme nobody can answer");
  const auto realm = found.parameters.find("realm");
  const auto url = parse_realm(realm == found.parameters.end() ? bytes : realm->second);
  require(!url || (!url->has_userinfo && !url->host.empty()), "a realm that must not be used");
}

void token_answer(std::string_view bytes) {
  const TokenAnswer answer = parse_token_answer(bytes);
  require(answer.token.empty() != answer.problem.empty(), "a token, or why there is none");
  require(answer.token.find_first_of(" \r\n") == std::string::npos, "a token that ends its header");
}

void names(std::string_view bytes) {
  refused_or([&] {
    const LabelSelector selector = LabelSelector::parse(bytes);
    static_cast<void>(selector.matches({{"env", "prod"}}));
    require(LabelSelector::parse(selector.text()) == selector, "a selector differs after it was written");
  });
  refused_or([&] {
    const Image image = parse_image(bytes);
    require(!image.host.empty() && !image.repository.empty() && !image.reference.empty(), "an image without a part");
  });
}

}  // namespace regsync::fuzz
