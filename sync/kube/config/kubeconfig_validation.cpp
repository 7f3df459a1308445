#include "sync/kube/config/kubeconfig_validation.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "helper/base/text.hpp"
#include "sync/base/jwt.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::kube {
namespace {

// We write addresses and namespaces to files of limited size, but a Secret of a hub may hold up to 1 MiB of them. The
// second limit is the longest name in Kubernetes.
constexpr std::size_t longest_server = 2048;
constexpr std::size_t longest_name = 253;

// k8s.io/apimachinery, api/validation/path: IsValidPathSegmentName. kubectl checks nothing else in a context's
// namespace.
bool is_path_segment(std::string_view text) {
  return text != "." && text != ".." && text.size() <= longest_name && is_utf8(text) &&
         text.find_first_of("/%") == std::string_view::npos && !has_control_characters(text);
}

bool has_tls_material(const ClusterEntry& cluster, const UserEntry& user) {
  return cluster.insecure || !cluster.ca_file.empty() || !cluster.ca_data.empty() || !user.certificate_file.empty() ||
         !user.certificate_data.empty();
}

void check_auth_provider(const std::string& of, const AuthProvider& provider, bool is_asked, Faults& faults) {
  if (provider.name == "oidc") {
    faults.add_if(provider.issuer.empty(), "Must provide idp-issuer-url for the auth-provider \"oidc\"" + of);
    faults.add_if(provider.client_id.empty(), "Must provide client-id for the auth-provider \"oidc\"" + of);
    faults.add_if(is_asked && provider.id_token.empty(),
                  "the auth-provider \"oidc\"" + of +
                      (provider.has_refresh_token
                           ? " has no id-token; kubectl gets one with the refresh-token: run kubectl once with this "
                             "context"
                           : " has no id-token, and no refresh-token to get one with: log in again with the tool that "
                             "wrote this kubeconfig"));
    faults.add_if(is_asked && !provider.id_token.empty() && !jwt_claims(provider.id_token.reveal()).is_object(),
                  "the id-token of the auth-provider \"oidc\"" + of + " is not a JSON Web Token");
  } else if (provider.name == "gcp") {
    faults.add_if(true, "the auth-provider \"gcp\"" + of +
                            " was removed in Kubernetes 1.26; gke-gcloud-auth-plugin replaces it: `gcloud container "
                            "clusters get-credentials` writes the new form");
  } else if (provider.name == "azure") {
    faults.add_if(true, "the auth-provider \"azure\"" + of +
                            " was removed in Kubernetes 1.26; kubelogin replaces it: `kubelogin convert-kubeconfig` "
                            "writes the new form");
  } else {
    faults.add_if(true, "unknown auth-provider " + in_quotes(provider.name) + of);
  }
}

void check_exec(const std::string& of, const ExecConfig& exec, Faults& faults) {
  faults.add_if(exec.command.empty(), "command must be specified" + of + " to use the exec plugin");
  faults.add_if(exec.api_version.empty(), "apiVersion must be specified" + of + " to use the exec plugin");
  faults.add_if(!exec.api_version.empty() && exec.api_version != "client.authentication.k8s.io/v1" &&
                    exec.api_version != "client.authentication.k8s.io/v1beta1",
                "exec plugin: invalid apiVersion " + in_quotes(exec.api_version) + of);
  faults.add_if(std::any_of(exec.env.begin(), exec.env.end(), [](const auto& item) { return item.first.empty(); }),
                "env variable name must be specified" + of + " to use the exec plugin");
  const std::string& mode = exec.interactive_mode;
  faults.add_if(mode.empty(), "interactiveMode must be specified" + of + " to use the exec plugin");
  faults.add_if(!mode.empty() && mode != "Never" && mode != "IfAvailable" && mode != "Always",
                "invalid interactiveMode" + of + ": " + in_quotes(mode));
}

// Empty if it can be read. The content of a FIFO or a device may never end.
std::string why_unreadable(const std::string& path) {
  struct stat status{};
  if (::access(path.c_str(), R_OK) != 0 || ::stat(path.c_str(), &status) != 0) {
    return std::generic_category().message(errno);
  }
  return S_ISREG(status.st_mode) ? "" : S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file";
}

bool leaves_this_machine(const std::string& proxy_url) {
  const auto proxy = parse_proxy(proxy_url);
  const auto url = proxy ? parse_url(proxy->url) : std::nullopt;
  return url && !is_loopback(url->host);
}

}  // namespace

void Faults::add_if(bool wrong, const std::string& message) {
  if (wrong) {
    messages_ += (messages_.empty() ? "" : "; ") + message;
  }
}

void Faults::add_unreadable(const std::string& what, const std::string& path) {
  const std::string why = path.empty() ? "" : why_unreadable(path);
  add_if(!why.empty(), "unable to read " + what + " " + path + ": " + why);
}

bool is_readable(const std::string& path) { return why_unreadable(path).empty(); }

void check_context(const std::string& name, const ContextEntry& context, Faults& faults) {
  faults.add_if(context.cluster.empty(), "cluster was not specified for context " + in_quotes(name));
  faults.add_if(!is_path_segment(context.name_space), "namespace " + in_quotes(context.name_space) + " for context " +
                                                          in_quotes(name) + " can be no part of a URL");
}

void check_cluster(const std::string& name, const ClusterEntry& cluster, Faults& faults) {
  const std::string of = " for cluster " + in_quotes(name);
  faults.add_if(cluster.server.empty(), "no server found" + of);
  const bool ca = !cluster.ca_file.empty() || !cluster.ca_data.empty();
  faults.add_if(!cluster.ca_file.empty() && !cluster.ca_data.empty(),
                "certificate-authority-data and certificate-authority are both specified" + of);
  faults.add_if(ca && cluster.insecure,
                "a root certificate together with insecure-skip-tls-verify is not allowed" + of);
  faults.add_unreadable("certificate-authority" + of, cluster.ca_file);
  if (!cluster.proxy_url.empty()) {
    const auto has_host_after = [proxy = to_lower(cluster.proxy_url)](std::string_view scheme) {
      return proxy.starts_with(scheme) && proxy.size() > scheme.size();
    };
    const bool known = has_host_after("http://") || has_host_after("https://") || has_host_after("socks5://");
    faults.add_if(!known || !parse_proxy(cluster.proxy_url),
                  "proxy-url" + of + " must be a URL with scheme http, https or socks5");
  }
}

void check_user(const std::string& name, const UserEntry& user, bool is_sent, Faults& faults) {
  const std::string of = " for user " + in_quotes(name);
  const bool certificate = !user.certificate_file.empty() || !user.certificate_data.empty();
  if (certificate) {
    faults.add_if(!user.certificate_file.empty() && !user.certificate_data.empty(),
                  "client-certificate-data and client-certificate are both specified" + of);
    faults.add_if(!user.key_file.empty() && !user.key_data.empty(),
                  "client-key-data and client-key are both specified" + of);
    faults.add_if(user.key_file.empty() && user.key_data.empty(),
                  "client-key-data or client-key must be specified" + of + " to use its certificate");
    faults.add_unreadable("client-certificate" + of, user.certificate_file);
    faults.add_unreadable("client-key" + of, user.key_file);
  }
  const bool basic = !user.username.empty() || !user.password.empty();
  faults.add_if(basic && !(user.token.empty() && user.token_file.empty()),
                "more than one authentication method found" + of + ": token and basicAuth, only one is allowed");
  if (user.token.empty() && is_sent) {
    faults.add_unreadable("tokenFile" + of, user.token_file);
  }
  const Impersonation& as = user.impersonation;
  faults.add_if(as.user.empty() && (!as.uid.empty() || !as.groups.empty() || !as.extra.empty()),
                "as-uid, as-groups or as-user-extra without as" + of);
  faults.add_if(user.auth_provider && user.exec, "auth-provider and exec are both specified" + of);
  if (user.auth_provider && !user.exec && is_sent) {
    check_auth_provider(of, *user.auth_provider, !user.has_authorization(), faults);
  }
  if (user.exec) {
    check_exec(of, *user.exec, faults);
  }
}

std::string server_url(const std::string& cluster_name, const ClusterEntry& cluster, const UserEntry& user,
                       Faults& faults) {
  std::string server = cluster.server;
  if (server.empty()) {
    return {};
  }
  const std::string subject = "the server of cluster " + in_quotes(cluster_name);
  if (server.size() > longest_server || !is_utf8(server)) {
    faults.add_if(true, subject + " is longer than " + std::to_string(longest_server) + " bytes, or is no UTF-8");
    return {};
  }
  if (trim(server) != server || has_control_characters(server)) {
    faults.add_if(true, subject + " contains a space: " + in_quotes(without_userinfo(server)));
    return {};
  }
  if (server.find("://") == std::string::npos) {
    if (server.find('/') < server.size() - 1) {
      faults.add_if(true, "server must be a URL or a host:port pair: " + in_quotes(without_userinfo(server)));
      return {};
    }
    server.insert(0, has_tls_material(cluster, user) ? "https://" : "http://");
  }
  const std::optional<Url> url = parse_url(server);
  if (!url || (url->scheme != "https" && url->scheme != "http")) {
    faults.add_if(true, subject + " must be an http or https URL");
    return {};
  }
  const bool is_plain = url->scheme == "http";
  const bool is_sent_away = is_plain && is_loopback(url->host) && leaves_this_machine(cluster.proxy_url);
  const bool is_shown = (is_plain && !is_loopback(url->host)) || is_sent_away;
  faults.add_if(url->has_userinfo, subject + " has a user name or password in its URL; name them in the user's entry");
  faults.add_if(is_shown,
                subject + " is reached over plain http" +
                    (is_sent_away ? " through its proxy-url, which is not on this machine; that" : ", which") +
                    " shows pull secrets to the network; use https");
  return url->has_userinfo || is_shown ? std::string() : server_base(server);
}

}  // namespace regsync::kube
