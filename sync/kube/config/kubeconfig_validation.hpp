// Validates the entries that a context names (client-go tools/clientcmd/validation.go).
//
// Beyond client-go, because regsync sends pull secrets: a server over plain http that is not on this machine, and a
// user name or password inside the server's URL are faults. Asks the file system whether files can be read, nothing
// else.
#pragma once

#include <string>
#include <string_view>

#include "sync/kube/config/kubeconfig_entries.hpp"

namespace regsync::kube {

// All faults of one context, said together, as kubectl does.
class Faults {
 public:
  void add_if(bool wrong, const std::string& message);
  void add_unreadable(const std::string& what, const std::string& path);
  [[nodiscard]] const std::string& messages() const { return messages_; }

 private:
  std::string messages_;
};

bool is_readable(const std::string& path);

void check_context(const std::string& name, const ContextEntry& context, Faults& faults);
void check_cluster(const std::string& name, const ClusterEntry& cluster, Faults& faults);
// is_sent: the server is one of TLS. Nobody reads the tokens of a user who is not proved to it (client-go
// tools/clientcmd client_config.go, ClientConfig).
void check_user(const std::string& name, const UserEntry& user, bool is_sent, Faults& faults);

// The server of a cluster as a URL in one spelling (server_base). "host:port" without a scheme is https where anything
// of TLS is configured (client-go: rest.DefaultServerURL). Empty where there is a fault.
std::string server_url(const std::string& cluster_name, const ClusterEntry& cluster, const UserEntry& user,
                       Faults& faults);

}  // namespace regsync::kube
