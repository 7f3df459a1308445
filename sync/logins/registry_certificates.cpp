#include "sync/logins/registry_certificates.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <system_error>

#include "helper/base/file_io.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/kube/http/certificate_authorities.hpp"
#include "sync/kube/http/pem.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/model/authority.hpp"

namespace regsync {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_bytes = std::size_t{1} << 20U;

// libcurl uses the given authorities instead of the system's, so those are read too, found as Go's crypto/x509 does:
// the first existing bundle or SSL_CERT_FILE, and everything in the system's folders or SSL_CERT_DIR.
std::string system_authorities() {
  const std::string own = kube::process_environment("SSL_CERT_FILE").value_or("");
  const std::string folders = kube::process_environment("SSL_CERT_DIR").value_or("");
  if (!own.empty()) {
    return kube::authorities_in(own, folders.empty() ? "/etc/ssl/certs:/etc/pki/tls/certs" : folders);
  }
  std::error_code ignored;
  for (const char* const bundle :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"}) {
    if (fs::exists(bundle, ignored)) {
      return kube::authorities_in(bundle, folders);  // the bundle contains what the system's folders have
    }
  }
  return kube::authorities_in({}, folders);
}

void add(kube::TlsMaterial& material, const fs::path& file) {
  if (file.extension() == ".crt") {
    material.ca += try_read_file(file, max_bytes).value_or("") + "\n";
  } else if (file.extension() == ".cert" && material.certificate.empty()) {
    const auto certificate = try_read_file(file, max_bytes);
    auto key = try_read_file(fs::path(file).replace_extension(".key"), max_bytes);
    if (certificate && key) {
      material.certificate = *certificate;
      material.key = kube::usable_key(*key);
    }
  }
}

}  // namespace

std::vector<fs::path> certificate_folders() {
  std::vector<fs::path> folders{"/etc/docker/certs.d"};
  (void)guarded([&] {
    const fs::path config = paths::config_home().parent_path();
    folders.push_back(config / "docker/certs.d");
    folders.push_back(paths::home() / ".docker/certs.d");
    folders.push_back(config / "containers/certs.d");
  });
  folders.emplace_back("/etc/containers/certs.d");
  return folders;
}

std::shared_ptr<const kube::TlsMaterial> registry_certificates(std::string_view authority,
                                                               const std::vector<fs::path>& folders) {
  if (!parse_authority(authority) || authority.starts_with('.')) {
    return nullptr;  // not a folder name either
  }
  std::vector<std::string> names{std::string(authority)};
  if (authority.find(':') == std::string_view::npos) {
    names.push_back(names.front() + ":443");
  }
  auto material = std::make_shared<kube::TlsMaterial>();
  for (const fs::path& folder : folders) {
    for (const std::string& name : names) {
      for (const fs::path& file : files_in(folder / name)) {
        add(*material, file);
      }
    }
  }
  if (material->ca.empty() && material->certificate.empty()) {
    return nullptr;
  }
  if (!material->ca.empty()) {
    material->ca = kube::usable_certificates(system_authorities() + material->ca);
  }
  return material;
}

}  // namespace regsync
