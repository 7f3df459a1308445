// The part of a process's environment that decides how clusters are found and reached, as kubectl's does, and which
// credential helpers there are, as docker's does, in a form that two processes can compare and a person may be shown.
// Any thread.
#pragma once

#include <map>
#include <string>

namespace regsync::kube {

// The value with absolute paths, where the variable holds paths, separated by colons (KUBECONFIG, PATH, SSL_CERT_FILE,
// SSL_CERT_DIR, DOCKER_CONFIG): relative ones belong to the working directory of this process. Empty entries are left
// out.
std::string absolute_value(const std::string& name, const std::string& value);

// Of this process, by name, those that are not empty: those above as absolute_value(), HTTPS_PROXY as shown_proxy(),
// NO_PROXY; proxies also in lower case.
std::map<std::string, std::string> client_environment();

}  // namespace regsync::kube
