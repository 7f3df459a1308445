#include "tests/support/registry.hpp"

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "tests/support/process.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;

Outcome run(std::vector<std::string> argv, std::string in = {}) {
  return run_program({.argv = std::move(argv), .env = own_environment(), .in = std::move(in)});
}

std::string output_of(std::vector<std::string> argv, std::string in = {}) {
  Outcome outcome = run(std::move(argv), std::move(in));
  if (outcome.exit_code != 0) {
    throw std::runtime_error(outcome.err);
  }
  return std::move(outcome.out);
}

}  // namespace

Registry::Registry(const std::string& password, Login login, Address address) : login_(login), family_(address) {
  up(password);
}

Registry::~Registry() { stop(); }

void Registry::stop() const {
  for (const char* name : {"registry.pid", "token.pid"}) {
    const auto file = dir_ / name;
    if (pid_t pid = 0; std::ifstream(file) >> pid) {
      kill(pid, SIGTERM);
    }
    std::filesystem::remove(file);
  }
}

void Registry::set_password(const std::string& password) { up(password); }

void Registry::up(const std::string& password) {
  std::vector<std::string> argv{REGSYNC_SOURCE_DIR "/tests/servers/registry-up", dir_.path().string(), "jdoe",
                                password};
  if (login_ == Login::token) {
    argv.emplace_back("--token");
  }
  if (family_ == Address::ipv6) {
    argv.emplace_back("--ipv6");
  }
  const std::string out = output_of(std::move(argv));
  address_ = out.substr(0, out.find('\n'));
  password_ = password;
}

void Registry::push(const std::string& image) const {
  const TempDir images;
  push(image, make_image(images));
}

void Registry::push(const std::string& image, const std::filesystem::path& layout) const {
  output_of({"skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--dest-creds", "jdoe:" + password_,
             "oci:" + layout.string(), "docker://" + address_ + "/" + image});
}

std::filesystem::path make_image(const TempDir& dir) {
  const auto digest = [](const std::string& bytes) { return output_of({"sha256sum"}, bytes).substr(0, 64); };
  const auto blob = [&](const std::string& bytes, const std::string& type) {
    const auto name = digest(bytes);
    dir.write("image/blobs/sha256/" + name, bytes);
    return json{{"mediaType", type}, {"digest", "sha256:" + name}, {"size", bytes.size()}};
  };
  const json config{{"architecture", "amd64"},
                    {"os", "linux"},
                    {"config", json::object()},
                    {"rootfs", {{"type", "layers"}, {"diff_ids", json::array()}}}};
  const json manifest{{"schemaVersion", 2},
                      {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                      {"config", blob(config.dump(), "application/vnd.oci.image.config.v1+json")},
                      {"layers", json::array()}};
  const json index{{"schemaVersion", 2},
                   {"manifests", json::array({blob(manifest.dump(), "application/vnd.oci.image.manifest.v1+json")})}};
  dir.write("image/index.json", index.dump());
  dir.write("image/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  return dir / "image";
}

}  // namespace regsync::test
