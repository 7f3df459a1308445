#include "tests/fuzz/sync/targets.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "helper/base/error.hpp"
#include "sync/cluster/service_account.hpp"
#include "sync/config/settings.hpp"
#include "sync/config/target_yaml.hpp"
#include "sync/control/messages.hpp"
#include "sync/logins/credential_helpers.hpp"
#include "sync/logins/docker_config_file.hpp"
#include "sync/logins/registry_client.hpp"
#include "sync/model/docker_config_json.hpp"
#include "sync/model/image.hpp"
#include "sync/model/label_selector.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync::fuzz {
namespace {

using nlohmann::json;

void require(bool holds, const char* what) {
  if (!holds) {
    throw std::logic_error(what);
  }
}

// Runs `read`, which may refuse its input by an Error. Every text of that must be JSON, and so UTF-8: it goes into
// status rows.
template <typename Read>
void refused_or(Read read) {
  try {
    read();
  } catch (const Error& error) {
    static_cast<void>(json{error.message(), error.remedy()}.dump());
  }
}

// A file that holds the bytes, for readers of paths.
class InMemory {
 public:
  explicit InMemory(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }
  ~InMemory() { ::close(fd_); }
  InMemory(const InMemory&) = delete;
  InMemory& operator=(const InMemory&) = delete;
  InMemory(InMemory&&) = delete;
  InMemory& operator=(InMemory&&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace

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
}

void pull_secret(std::string_view bytes) {
  const PullEntries entries = parse_docker_config_json(bytes);
  static_cast<void>(Payload(entries));
}

void secret_object(std::string_view bytes) {
  const json object = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) {
    refused_or([&] { static_cast<void>(read_secret(bytes, "0123456789abcdef")); });
    return;
  }
  static_cast<void>(view_secret(object, "0123456789abcdef"));
  static_cast<void>(view_service_account(object));
  refused_or([&] { static_cast<void>(read_secret(bytes, "0123456789abcdef")); });
}

void control_message(std::string_view bytes) {
  const json message = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (message.is_discarded()) {
    return;
  }
  refused_or([&] { static_cast<void>(control::report_from_json(message)); });
  refused_or([&] { static_cast<void>(control::error_from_json(message)); });
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
}

void challenge(std::string_view bytes) {
  const Challenge found = parse_challenge(bytes);
  require(found.scheme.empty() || found.scheme == "bearer" || found.scheme == "basic", "a scheme nobody can answer");
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
