#include "sync/kube/config/exec_credential.hpp"

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/child_process.hpp"
#include "sync/kube/config/pem.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr std::size_t largest_output = std::size_t{1} << 20;
// Between runs that fail or whose credential is refused: a plugin may be a Python program that calls a cloud.
constexpr auto first_pause = seconds(1);
constexpr auto longest_pause = seconds(60);

Error plugin_error(std::string message) {
  return {ErrorCode::credential_plugin, std::move(message),
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

// RFC 3339, as metav1.Time is written: 2024-01-31T12:00:00Z, with a fraction or an offset where a plugin likes one.
std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return std::nullopt;
  }
  if (*rest == '.') {
    do {
      ++rest;
    } while (*rest >= '0' && *rest <= '9');
  }
  long offset = 0;
  int hours = 0;
  int minutes = 0;
  int used = 0;
  // NOLINTNEXTLINE(cert-err34-c,bugprone-unchecked-string-to-number-conversion): two digits always convert
  if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) == 2 && used == 5) {
    offset = (*rest == '-' ? -1L : 1L) * (hours * 3600L + minutes * 60L);
    rest += 6;
  } else if (*rest == 'Z' || *rest == 'z') {
    ++rest;
  } else {
    return std::nullopt;
  }
  if (*rest != '\0') {
    return std::nullopt;
  }
  return std::chrono::system_clock::from_time_t(timegm(&parts) - offset);
}

// What makes two contexts' plugins one: everything that the run depends on.
std::string identity(const ResolvedContext& context) {
  const ExecConfig& exec = context.exec.value();
  json key = {exec.command, exec.args, exec.env, exec.api_version, exec_info(context), context.server};
  return key.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

ExecCredential parse_exec_credential(std::string_view text, std::string_view api_version) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) {
    throw plugin_error("exec plugin: what it printed is not a JSON object");
  }
  if (string_member(root, "kind") != "ExecCredential") {
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
  credential.key = SecretString(string_member(*status, "clientKeyData"));
  if (credential.certificate.empty() != credential.key.empty()) {
    throw plugin_error("exec plugin returned only certificate or key, not both");
  }
  if (credential.token.empty() && credential.certificate.empty()) {
    throw plugin_error("exec plugin didn't return a token or cert/key pair");
  }
  if (!credential.certificate.empty() && !is_pair(credential.certificate, credential.key.reveal())) {
    throw plugin_error("exec plugin returned a certificate and a key that are not a pair");
  }
  if (has_control_characters(credential.token.reveal())) {
    throw plugin_error("exec plugin returned a token with control characters");
  }
  const std::string expires = string_member(*status, "expirationTimestamp");
  if (!expires.empty()) {
    credential.expires = parse_time(expires);
    if (!credential.expires) {
      throw plugin_error("exec plugin returned an expirationTimestamp that is not RFC 3339");
    }
  }
  return credential;
}

std::string exec_info(const ResolvedContext& context) {
  const ExecConfig& exec = context.exec.value();
  json info = {{"kind", "ExecCredential"}, {"apiVersion", exec.api_version}, {"spec", {{"interactive", false}}}};
  if (exec.provide_cluster_info) {
    json cluster = {{"server", context.server}};
    if (!context.tls_server_name.empty()) {
      cluster["tls-server-name"] = context.tls_server_name;
    }
    if (context.insecure_skip_tls_verify) {
      cluster["insecure-skip-tls-verify"] = true;
    }
    const std::string ca =
        context.ca_file.empty() ? context.ca_data : try_read_file(context.ca_file, largest_output).value_or("");
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

std::shared_ptr<ExecPlugin> ExecPlugin::shared(const asio::any_io_executor& executor, const ResolvedContext& context) {
  // One thread runs all clients (design); the map only remembers who lives.
  static thread_local std::map<std::string, std::weak_ptr<ExecPlugin>> plugins;
  std::erase_if(plugins, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<ExecPlugin>& known = plugins[identity(context)];
  std::shared_ptr<ExecPlugin> plugin = known.lock();
  if (!plugin) {
    plugin = std::make_shared<ExecPlugin>(executor, context);
    known = plugin;
  }
  return plugin;
}

ExecPlugin::ExecPlugin(const asio::any_io_executor& executor, const ResolvedContext& context,
                       std::chrono::milliseconds patience)
    : config_(context.exec.value()),
      info_(exec_info(context)),
      patience_(patience),
      finished_(executor, asio::steady_timer::time_point::max()),
      next_pause_(first_pause) {}

bool ExecPlugin::is_fresh() const {
  return cached_ && (!cached_->expires || std::chrono::system_clock::now() < *cached_->expires);
}

asio::awaitable<std::shared_ptr<const ExecCredential>> ExecPlugin::current() {
  if (!is_fresh()) {
    if (failure_ && Clock::now() < paused_until_) {
      throw Error(*failure_);
    }
    co_await run_or_wait();
  }
  co_return cached_;
}

asio::awaitable<std::shared_ptr<const ExecCredential>> ExecPlugin::renew(
    std::shared_ptr<const ExecCredential> rejected) {
  if (cached_ == rejected) {
    if (Clock::now() < paused_until_) {
      co_return rejected;
    }
    co_await run_or_wait();
    pause();  // until the next run, should this credential be refused as well
  }
  co_return cached_;
}

asio::awaitable<void> ExecPlugin::run_or_wait() {
  bool waited = false;
  // Of those who wait, the first to find that a run was cancelled starts another one.
  while (running_) {
    waited = true;
    std::error_code woken;
    co_await finished_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw Error(ErrorCode::cancelled, "waiting for the exec plugin was cancelled");
    }
  }
  if (waited && failure_) {
    throw Error(*failure_);
  }
  if (waited && is_fresh()) {
    co_return;
  }
  running_ = true;
  failure_.reset();
  const std::unique_ptr<ExecPlugin, void (*)(ExecPlugin*)> end(this, [](ExecPlugin* self) {
    self->running_ = false;
    self->finished_.cancel();
  });
  try {
    ExecCredential credential = co_await run();
    cached_ = std::make_shared<const ExecCredential>(std::move(credential));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) {
      failure_ = error;
      pause();
    }
    throw;
  }
}

// Grows with each run that comes soon after the pause before.
void ExecPlugin::pause() {
  const auto now = Clock::now();
  next_pause_ = now - paused_until_ > 2 * longest_pause ? Clock::duration(first_pause)
                                                        : std::min<Clock::duration>(2 * next_pause_, longest_pause);
  paused_until_ = now + next_pause_;
}

asio::awaitable<ExecCredential> ExecPlugin::run() {
  const std::string name = "exec: executable " + config_.command;
  if (config_.interactive_mode == "Always") {
    throw plugin_error(name + ": exec plugin cannot support interactive mode: standard input is not a terminal");
  }
  ChildCommand command;
  command.program = config_.command;
  command.arguments = config_.args;
  command.environment = config_.env;
  command.environment.emplace_back("KUBERNETES_EXEC_INFO", info_);
  command.timeout = patience_;
  command.max_output = largest_output;
  ChildResult result;
  try {
    result = co_await run_child(std::move(command));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      throw Error(ErrorCode::credential_plugin, name + " not found", presentable(config_.install_hint));
    }
    if (error.code() == ErrorCode::cancelled) {
      throw;
    }
    throw plugin_error("exec: " + error.message());
  }
  if (result.exit_code != 0) {
    const std::string said = presentable(result.errors);
    throw plugin_error(name + " failed with exit code " + std::to_string(result.exit_code) +
                       (said.empty() ? "" : ": " + said));
  }
  co_return parse_exec_credential(result.output, config_.api_version);
}

}  // namespace regsync::kube
