// Validates the entries that a context names (client-go tools/clientcmd/validation.go).
//
// Beyond client-go, because regsync sends pull secrets, a plain http server that is not on this machine, and a user
// name or password in the server's URL, are faults. Its only I/O is to check whether files are readable.
#pragma once

#include <string>
#include <string_view>

#include "sync/kube/config/kubeconfig_entries.hpp"

namespace regsync::kube {

// Collects all faults of one context, to report them together as kubectl does.
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
// is_sent: the server uses TLS. Otherwise no tokens are sent, so their files are not checked (client-go tools/clientcmd
// client_config.go, ClientConfig).
void check_user(const std::string& name, const UserEntry& user, bool is_sent, Faults& faults);

// The server of a cluster as a URL in canonical spelling (server_base). "host:port" without a scheme means https if any
// TLS option is configured (client-go: rest.DefaultServerURL). Empty if there is a fault.
std::string server_url(const std::string& cluster_name, const ClusterEntry& cluster, const UserEntry& user,
                       Faults& faults);

}  // namespace regsync::kube
