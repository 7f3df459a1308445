// Finds the certificates that this machine uses with a registry, in the folders where Docker and Podman look for them
// (docs.docker.com, "Verify repository client with certificates"; containers-certs.d(5)): for a registry HOST[:PORT],
// HOST[:PORT]/*.crt are authorities in addition to the system's, and NAME.cert with NAME.key is a client certificate.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "sync/kube/http/http_transport.hpp"

namespace regsync {

// The certs.d folders of Docker (system, rootless, and Docker Desktop) and of Podman, in that order.
std::vector<std::filesystem::path> certificate_folders();

// authority: the registry's host, and its port if named; HOST is HOST:443 too. Null if no folder has anything for it.
// Files that cannot be read or decoded are skipped: the connection then fails with what it lacks.
std::shared_ptr<const kube::TlsMaterial> registry_certificates(std::string_view authority,
                                                               const std::vector<std::filesystem::path>& folders);

}  // namespace regsync
