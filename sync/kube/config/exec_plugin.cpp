#include "sync/kube/config/exec_plugin.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ranges>
#include <utility>

#include "helper/base/text.hpp"
#include "sync/base/child_process.hpp"
#include "sync/base/default_route.hpp"
#include "sync/base/disclosure.hpp"
#include "sync/base/find_program.hpp"
#include "sync/base/limiter.hpp"
#include "sync/base/own_addresses.hpp"
#include "sync/base/user_manager.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::size_t largest_output = std::size_t{1} << 20;
// The limit for a process with, say, 200 contexts.
constexpr std::size_t most_at_once = 4;
// Two prompts on one terminal would interfere.
constexpr std::size_t most_interactive = 1;

constexpr nanoseconds first_pause = 1s;
constexpr nanoseconds longest_pause = 2h;
constexpr nanoseconds longest_without_network = 1min;
// A new address of this machine may be what a plugin lacked, so the pauses restart from the shortest. If addresses
// change all the time, they continue from two minutes.
constexpr nanoseconds between_beginnings = 1h;
constexpr int most_unhelpful_of_new_address = 7;
// A credential of this age already reflects what the user is doing now: `regsync sync` may ask for all contexts in
// turn.
constexpr nanoseconds just_minted = 5s;
// A credential that is refused after this age did work; one refused earlier never did.
constexpr nanoseconds refused_at_once = 60s;

// Shared by all plugins: one thread runs all clients.
Limiter& turns(bool hangs) {
  static thread_local Limiter plain(most_at_once);
  static thread_local Limiter hanging(most_at_once);
  return hangs ? hanging : plain;
}

asio::awaitable<ChildResult> run_at_terminal(ChildCommand command) {
  static thread_local Limiter turns(most_interactive);
  const auto turn = co_await turns.enter();
  ChildResult result = co_await run_child(std::move(command));
  co_return result;
}

constexpr const char* by_hand =
    "run the command of this user's `exec` in the kubeconfig by hand, or `kubectl` with this context; then: regsync "
    "sync";

Error plugin_error(const std::string& message, const std::string& remedy = {}) {
  return {ErrorCode::credential_plugin, message, remedy.empty() ? by_hand : remedy};
}

// The remedy for a plugin that ran and failed. A service lacks variables that a shell profile exports (AWS_PROFILE).
std::string remedy_of_failure(const ExecManners& manners) {
  return std::string(by_hand) + (manners.terminal_errors || !has_user_manager()
                                     ? ""
                                     : "; if that works in a shell, give regsyncd the variables that the plugin reads "
                                       "there: regsync setup --environment NAME,...");
}

// Everything that a run depends on; for a CA file its name, because each run gets its current content.
std::string identity(const ResolvedContext& context) {
  ResolvedContext named = context.clone();
  named.ca_file.clear();
  const ExecConfig& exec = context.exec.value();
  const json key = {exec.command,
                    exec.args,
                    exec.env,
                    exec.api_version,
                    exec.interactive_mode,
                    exec.manners.terminal,
                    exec.manners.terminal_errors,
                    exec.install_hint,
                    exec.manners.patience.count(),
                    exec_info(named, false),
                    exec.provide_cluster_info ? context.ca_file : ""};
  return key.dump(-1, ' ', false, json::error_handler_t::replace);
}

nanoseconds pause_of(int unhelpful) {
  constexpr int doublings = 13;  // 2^13 s exceed the longest pause
  return unhelpful <= 0
             ? 0ns
             : std::min<nanoseconds>(longest_pause, first_pause * (1LL << std::min(unhelpful - 1, doublings)));
}

}  // namespace

ExecPlugin::World ExecPlugin::real_world() {
  return {.now = [] { return BoottimeClock::now(); },
          .wall = [] { return std::chrono::system_clock::now(); },
          .has_network = [] { return has_default_route(); },
          .addresses = [] { return own_addresses(); }};
}

std::shared_ptr<ExecPlugin> ExecPlugin::shared(const ResolvedContext& context) {
  // The map does not keep the plugins alive.
  static thread_local std::map<std::string, std::weak_ptr<ExecPlugin>> plugins;
  std::erase_if(plugins, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<ExecPlugin>& known = plugins[identity(context)];
  std::shared_ptr<ExecPlugin> plugin = known.lock();
  if (!plugin) {
    plugin = std::make_shared<ExecPlugin>(context);
    known = plugin;
  }
  return plugin;
}

ExecPlugin::ExecPlugin(const ResolvedContext& context, World world)
    : context_(context.clone()), config_(context_.exec.value()), world_(std::move(world)) {}

bool ExecPlugin::is_interactive() const { return config_.manners.terminal && config_.interactive_mode != "Never"; }

bool ExecPlugin::is_fresh() const {
  return cached_ && !asked_anew_ && (!cached_->expires || world_.wall() < *cached_->expires);
}

asio::awaitable<ExecPlugin::Shared> ExecPlugin::current(bool refused) {
  if (is_fresh()) {
    co_return cached_;
  }
  if (in_pause() && (refused || !paused_by_refusal_)) {
    if (failure_) {
      throw Error(*failure_);
    }
    co_return cached_;  // refused or expired: lets the server refuse it again, without another run
  }
  if (helped_) {
    unhelpful_ = 0;
  }
  co_return co_await run_shared();
}

asio::awaitable<ExecPlugin::Shared> ExecPlugin::renew(Shared rejected) {
  if (cached_ != rejected) {
    co_return cached_;
  }
  if (refused_ != cached_) {
    refused_ = cached_;
    helped_ = world_.now() - cached_since_ > refused_at_once;
    if (helped_) {
      unhelpful_ = 0;
    }
    pause_after(cached_since_, unhelpful_);  // none for the first: client-go runs once more
    paused_by_refusal_ = true;
    ++unhelpful_;
  }
  if (in_pause()) {
    co_return rejected;
  }
  co_return co_await run_shared();
}

void ExecPlugin::end_pause() {
  paused_until_ = {};
  const bool is_new = world_.now() - cached_since_ < just_minted;
  asked_anew_ = cached_ && !is_new && !config_.manners.terminal_errors;
}

bool ExecPlugin::in_pause() {
  if (world_.now() >= paused_until_) {
    return false;
  }
  if (own_files() != files_) {
    paused_until_ = {};
    unhelpful_ = 0;
    return false;
  }
  if (has_new_address()) {
    paused_until_ = {};
    if (!began_anew_ || world_.now() - *began_anew_ >= between_beginnings) {
      began_anew_ = world_.now();
      unhelpful_ = 0;
    }
    unhelpful_ = std::min(unhelpful_, most_unhelpful_of_new_address);
    return false;
  }
  return true;
}

// Whether there is a new address since the last check. One that went away and came back, such as a VPN's, is new, too.
bool ExecPlugin::has_new_address() {
  const auto before = std::exchange(addresses_, world_.addresses());
  return !std::ranges::includes(before, addresses_);
}

void ExecPlugin::pause_after(BoottimeClock::time_point since, int unhelpful) {
  const nanoseconds pause = pause_of(unhelpful);
  paused_until_ = since + (world_.has_network() ? pause : std::min(pause, longest_without_network));
  paused_by_refusal_ = false;
  files_ = own_files();
  addresses_ = world_.addresses();
}

// The stamps of the command, of the files that its arguments and environment name (`python3 /opt/login.py` is one
// plugin), and of its CA file.
std::vector<FileStamp> ExecPlugin::own_files() const {
  std::vector<FileStamp> stamps;
  try {
    stamps.push_back(stamp_of(find_program(config_.command)));
  } catch (const Error&) {
    stamps.emplace_back();  // missing, or not executable yet
  }
  const auto add_named = [&](const std::string& word) {
    const auto value = word.find("=/");  // --config=/etc/login.yaml
    const std::string path = value == std::string::npos ? word : word.substr(value + 1);
    const FileStamp stamp = path.starts_with('/') ? stamp_of(path) : FileStamp();
    if (!S_ISDIR(stamp.mode)) {  // a folder changes with each file that a run creates in it
      stamps.push_back(stamp);
    }
  };
  std::ranges::for_each(config_.args, add_named);
  std::ranges::for_each(config_.env | std::views::values, add_named);
  if (config_.provide_cluster_info) {
    stamps.push_back(stamp_of(context_.ca_file));
  }
  return stamps;
}

asio::awaitable<ExecPlugin::Shared> ExecPlugin::run_shared() {
  return flight_.run([this] { return run(); });
}

asio::awaitable<ExecPlugin::Shared> ExecPlugin::run() {
  failure_.reset();
  helped_ = false;
  asked_anew_ = false;
  try {
    cached_ = std::make_shared<const ExecCredential>(co_await run_command());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::cancelled) {
      failure_ = error;
      pause_after(world_.now(), ++unhelpful_);
    }
    throw;
  }
  refused_.reset();
  cached_since_ = world_.now();
  helped_ = is_fresh();
  if (!helped_) {
    pause_after(cached_since_, ++unhelpful_);
  }
  co_return cached_;
}

// ": " and the plugin's standard error, for the end of a message. It may hold a credential: some plugins write there
// what they should print.
std::string ExecPlugin::what_it_says(const ChildResult& result) const {
  const std::string& errors = result.errors;
  if (result.errors_cut) {
    return ": what it says is too long to be shown";  // the missing rest may show that it holds a credential
  }
  const auto holds = [&](const SecretString& secret) {
    return !secret.empty() && errors.find(secret.reveal()) != std::string::npos;
  };
  const bool known = cached_ && (holds(cached_->token) || holds(cached_->key));
  const std::string said =
      known ? "what it says is not shown, because it holds a credential" : presentable_unless_secret(errors);
  return said.empty() ? said : ": " + said;
}

asio::awaitable<ExecCredential> ExecPlugin::run_command() {
  const std::string name = "exec: executable " + config_.command;
  const bool interactive = is_interactive();
  if (config_.interactive_mode == "Always" && !interactive) {
    throw plugin_error(
        name + ": exec plugin cannot support interactive mode: standard input is not a terminal",
        "use a login of the plugin that needs no terminal (interactiveMode: IfAvailable or Never); or, as "
        "regsyncd has none, " +
            how_to_stop_regsyncd() + ", and run at a terminal: regsync sync --once");
  }
  ChildCommand command;
  command.program = config_.command;
  command.arguments = config_.args;
  command.environment = config_.env;
  command.environment.emplace_back("KUBERNETES_EXEC_INFO", exec_info(context_, interactive));
  command.timeout = config_.manners.patience;
  command.max_output = largest_output;
  command.terminal_input = interactive;
  command.terminal_errors = config_.manners.terminal_errors;
  Limiter& own_turns = turns(std::exchange(hangs_, false));
  ChildResult result;
  try {
    if (interactive) {
      result = co_await run_at_terminal(std::move(command));
    } else {
      result = co_await run_child_in_turn(own_turns, std::move(command));
    }
  } catch (const ChildTimeout& late) {
    hangs_ = true;
    throw plugin_error("exec: " + late.message() + what_it_says(late.result), late.remedy());
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      throw plugin_error(name + " not found: " + error.message(),
                         config_.install_hint.empty() ? how_to_provide_program() : presentable(config_.install_hint));
    }
    if (error.code() == ErrorCode::cancelled) {
      throw;
    }
    throw plugin_error("exec: " + error.message(), error.remedy());
  }
  if (result.exit_code != 0) {
    throw plugin_error(name + " failed with exit code " + std::to_string(result.exit_code) + what_it_says(result),
                       remedy_of_failure(config_.manners));
  }
  co_return parse_exec_credential(result.output, config_.api_version);
}

}  // namespace regsync::kube
