// The certificates that this machine uses with a registry, in the folders where Docker and Podman look for them
// (docs.docker.com, "Verify repository client with certificates"; containers-certs.d(5)): of a registry HOST[:PORT],
// HOST[:PORT]/*.crt are authorities beside the system's, and NAME.cert with NAME.key is a client certificate.
//
// Synchronous file I/O; any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "sync/kube/http/http_transport.hpp"

namespace regsync {

// certs.d of Docker (of the system, rootless, and of Docker Desktop) and of Podman, in that order.
std::vector<std::filesystem::path> certificate_folders();

// authority: the registry's host, and its port where that is named; HOST is HOST:443 too. Null where no folder has
// anything for it. What cannot be read or decoded is left out: the connection then says what it lacks.
std::shared_ptr<const kube::TlsMaterial> registry_certificates(std::string_view authority,
                                                               const std::vector<std::filesystem::path>& folders);

}  // namespace regsync
