#include "sync/kube/config/resolved_context.hpp"

#include <tuple>

namespace regsync::kube {
namespace {

auto cluster_of(const ResolvedContext& context) {
  return std::tie(context.name, context.server, context.tls_server_name, context.insecure_skip_tls_verify,
                  context.ca_file, context.ca_data, context.proxy_url, context.disable_compression,
                  context.default_namespace);
}

}  // namespace

ResolvedContext ResolvedContext::clone() const {
  ResolvedContext copy;
  copy.name = name;
  copy.in_kubeconfig = in_kubeconfig;
  copy.server = server;
  copy.tls_server_name = tls_server_name;
  copy.insecure_skip_tls_verify = insecure_skip_tls_verify;
  copy.ca_file = ca_file;
  copy.ca_data = ca_data;
  copy.proxy_url = proxy_url;
  copy.disable_compression = disable_compression;
  copy.default_namespace = default_namespace;
  copy.client_certificate_file = client_certificate_file;
  copy.client_certificate_data = client_certificate_data;
  copy.client_key_file = client_key_file;
  copy.client_key_data = client_key_data.clone();
  copy.token = token.clone();
  copy.token_expires = token_expires;
  copy.has_refresh_token = has_refresh_token;
  copy.token_file = token_file;
  copy.username = username;
  copy.password = password.clone();
  copy.impersonation = impersonation;
  copy.exec = exec;
  return copy;
}

bool same_connection(const ResolvedContext& one, const ResolvedContext& other) {
  return cluster_of(one) == cluster_of(other);
}

}  // namespace regsync::kube
