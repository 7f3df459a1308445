#include "sync/kube/config/exec_credential.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/bounded_json.hpp"
#include "sync/base/rfc3339.hpp"
#include "sync/kube/config/yaml_json.hpp"
#include "sync/kube/http/pem.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;

constexpr std::size_t largest_ca = std::size_t{1} << 20;

Error plugin_error(const std::string& message) {
  return {ErrorCode::credential_plugin, message,
          "run the command of this user's `exec` in the kubeconfig by hand, or `kubectl` with this context"};
}

std::string string_member(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return {};
  }
  if (!found->is_string()) {
    throw plugin_error(std::string("exec plugin: ") + key + " must be a string");
  }
  return found->get<std::string>();
}

// client-go decodes YAML as well.
json parse_yaml(std::string_view text) {
  constexpr std::size_t longest_yaml = std::size_t{64} << 10;  // YAML is slow to parse
  if (text.size() > longest_yaml) {
    throw plugin_error("exec plugin: what it printed is neither JSON nor YAML of less than 64 KiB");
  }
  try {
    return yaml_to_json(std::string(text));
  } catch (const Error&) {
    return nullptr;  // do not report the fault: the text may be a token
  }
}

json parse_object(std::string_view text) {
  constexpr JsonBounds bounds{.bytes = std::size_t{1} << 20};
  json root;
  try {
    root = parse_bounded(text, bounds);
  } catch (const Error& error) {
    throw plugin_error("exec plugin: what it printed is too large: it " + error.message());
  }
  if (root.is_discarded()) {
    root = parse_yaml(text);
  }
  if (!root.is_object()) {
    throw plugin_error("exec plugin: what it printed is not a JSON object");
  }
  return root;
}

}  // namespace

ExecCredential parse_exec_credential(std::string_view text, std::string_view api_version) {
  const json root = parse_object(text);
  const std::string kind = string_member(root, "kind");
  if (!kind.empty() && kind != "ExecCredential") {
    throw plugin_error("exec plugin: what it printed is not of kind ExecCredential");
  }
  const std::string version = string_member(root, "apiVersion");
  if (version != api_version) {
    throw plugin_error("exec plugin is configured to use API version " + std::string(api_version) +
                       ", plugin returned version " + presentable(version));
  }
  const auto status = root.find("status");
  if (status == root.end() || !status->is_object()) {
    throw plugin_error("exec plugin didn't return a status field");
  }
  ExecCredential credential;
  credential.token = SecretString(string_member(*status, "token"));
  credential.certificate = string_member(*status, "clientCertificateData");
  credential.key = usable_key(SecretString(string_member(*status, "clientKeyData")).reveal());
  if (credential.certificate.empty() != credential.key.empty()) {
    throw plugin_error("exec plugin returned only certificate or key, not both");
  }
  if (credential.token.empty() && credential.certificate.empty()) {
    throw plugin_error("exec plugin didn't return a token or cert/key pair");
  }
  if (!credential.certificate.empty()) {
    if (const PairFault fault = pair_fault(credential.certificate, credential.key.reveal()); fault != PairFault::none) {
      throw plugin_error("exec plugin returned a certificate and a key that cannot be used: " +
                         std::string(to_string(fault)));
    }
  }
  if (has_control_characters(credential.token.reveal())) {
    throw plugin_error("exec plugin returned a token with control characters");
  }
  if (const auto expires = status->find("expirationTimestamp"); expires != status->end() && !expires->is_null()) {
    const std::string moment = string_member(*status, "expirationTimestamp");
    credential.expires = parse_rfc3339(moment);
    if (!credential.expires) {
      throw plugin_error("exec plugin returned an expirationTimestamp that is not RFC 3339");
    }
    if (is_no_time(moment)) {
      credential.expires.reset();  // as in client-go (plugin/pkg/client/auth/exec, credsExpired)
    }
  }
  return credential;
}

std::string exec_info(const ResolvedContext& context, bool interactive) {
  const ExecConfig& exec = context.exec.value();
  json info = {{"kind", "ExecCredential"}, {"apiVersion", exec.api_version}, {"spec", {{"interactive", interactive}}}};
  if (exec.provide_cluster_info) {
    json cluster = {{"server", exec.cluster_info_server}};
    if (!context.tls_server_name.empty()) {
      cluster["tls-server-name"] = context.tls_server_name;
    }
    if (context.insecure_skip_tls_verify) {
      cluster["insecure-skip-tls-verify"] = true;
    }
    const std::string ca =
        context.ca_file.empty() ? context.ca_data : try_read_file(context.ca_file, largest_ca).value_or("");
    if (!ca.empty()) {
      cluster["certificate-authority-data"] = base64_encode(ca);
    }
    if (!context.proxy_url.empty()) {
      cluster["proxy-url"] = context.proxy_url;
    }
    if (context.disable_compression) {
      cluster["disable-compression"] = true;
    }
    cluster["config"] =
        exec.cluster_info_config.empty() ? json(nullptr) : json::parse(exec.cluster_info_config, nullptr, false);
    info["spec"]["cluster"] = std::move(cluster);
  }
  return info.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace regsync::kube
