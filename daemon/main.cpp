// The program regsyncd: arguments, signals, and notifications to systemd.
#include <malloc.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "daemon/service.hpp"
#include "helper/base/error.hpp"
#include "helper/base/start_process.hpp"
#include "helper/base/text.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/listen_address.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/model/label_selector.hpp"
#include "sync/model/names.hpp"

namespace {

// Notifies systemd's watchdog that the event loop runs, twice as often as WatchdogSec requires
// (sd_watchdog_enabled(3)).
asio::awaitable<void> feed_watchdog() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) {
    co_return;
  }
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    sd_notify(0, "WATCHDOG=1");
    timer.expires_after(std::chrono::microseconds(microseconds / 2));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

// Nearly all memory is allocated on one thread, and large blocks (a page of a list) are short-lived. Without these
// settings the heap of an idle daemon is a third larger.
void keep_heap_small() {
  constexpr int large = 64 * 1024;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, large);  // otherwise it grows with each large block that is freed
}

// Rejects empty values, which a manifest makes from an unset variable. They must not count as missing options: without
// a Lease every replica writes.
void refuse_empty_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    option->check(
        [](const std::string& value) {
          return regsync::trim(value).empty()
                     ? std::string("the value is empty; leave the option out, or set what it comes from")
                     : std::string();
        },
        "");
  }
}

// Returns the arguments for CLI11, the last one first. Splits "--logins=" into the option and an empty value: CLI11
// would take the next argument, such as a --lease, as the value.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      argument.pop_back();
      arguments.emplace_back();
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

// Throws Error(invalid_input) for a value that can never be valid.
void require_usable(const regsync::DaemonOptions& options, const regsync::ClusterSecretsScope& clusters) {
  const auto require = [](bool right, const std::string& option, const std::string& value, const std::string& what) {
    if (!right) {
      throw regsync::Error(regsync::ErrorCode::invalid_input,
                           option + " is not the name of a " + what + ": \"" + regsync::presentable(value) + "\"",
                           "use small letters, digits and -");
    }
  };
  const std::string last_slot = options.slots == 1 ? "" : "-" + std::to_string(options.slots - 1);
  require(options.lease.empty() || regsync::is_object_name(options.lease + last_slot), "--lease", options.lease,
          "Lease");
  require(clusters.name_space.empty() || regsync::is_label_name(clusters.name_space), "--clusters-namespace",
          clusters.name_space, "namespace");
  if (!options.listen.empty()) {
    if (const auto fault = regsync::guarded([&] { regsync::parse_listen_address(options.listen); })) {
      throw regsync::Error(fault->within("--listen"));
    }
  }
  if (!options.owner.empty()) {
    static_cast<void>(regsync::load_owner({}, options.owner));
  }
  if (!clusters.selector.empty()) {
    static_cast<void>(regsync::LabelSelector::parse(clusters.selector));
  }
}

asio::awaitable<void> serve(regsync::DaemonOptions options) {
  const auto executor = co_await asio::this_coro::executor;
  asio::signal_set signals(executor, SIGTERM, SIGINT, SIGHUP);
  regsync::Service service(executor, std::move(options));
  sd_notify(0, "READY=1");
  regsync::log::info("regsyncd " REGSYNC_VERSION " is ready");
  for (;;) {
    const int signal = co_await signals.async_wait(asio::use_awaitable);
    if (signal != SIGHUP) {
      break;
    }
    sd_notify(0, "RELOADING=1");
    regsync::guarded_logged("reload", [&] { service.reload(); });
    sd_notify(0, "READY=1");
  }
  sd_notify(0, "STOPPING=1");
  co_await service.stop();
}

int run(regsync::DaemonOptions options) {
  asio::io_context io(1);
  int status = 0;
  const auto nothing_to_say = [](const std::optional<regsync::Error>&) {};
  regsync::spawn_guarded(io.get_executor(), feed_watchdog(), nothing_to_say);
  regsync::spawn_guarded(io.get_executor(), serve(std::move(options)),
                         [&](const std::optional<regsync::Error>& problem) {
                           if (problem) {
                             regsync::log::error(regsync::describe(*problem));
                             status = 1;
                           }
                           io.stop();
                         });
  // An exception that leaves a handler is a bug: log it and keep the daemon running.
  while (const auto defect = regsync::guarded([&] { io.run(); })) {
    regsync::log::error(regsync::describe(*defect));
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  regsync::start_process();
  keep_heap_small();
  regsync::raise_file_limit();
  (void)std::signal(SIGPIPE, SIG_IGN);  // a closed connection gives an error code instead of a signal
  try {
    CLI::App app("Keeps Kubernetes pull secrets equal to the registry logins in the keyring.", "regsyncd");
    app.set_version_flag("--version", "regsyncd " REGSYNC_VERSION);
    std::string kubeconfig;
    app.add_option("--kubeconfig", kubeconfig, "The kubeconfig to use, instead of $KUBECONFIG or ~/.kube/config");
    regsync::DaemonOptions options;
    if (sd_listen_fds(1) >= 1) {  // before any thread starts, because it changes the environment
      options.control_socket = SD_LISTEN_FDS_START;
    }
    app.add_option("--owner", options.owner, "To whom the Secrets belong, instead of this user on this machine");
    app.add_option(
        "--listen", options.listen,
        "Serve the page of the fleet, /livez, /readyz, /metrics and /status.json on HOST:PORT, or on :PORT of "
        "all addresses");
    app.add_option("--allow-host", options.allowed_hosts, "A name under which that may be called, besides its address")
        ->transform([](const std::string& host) { return regsync::to_lower(host); });
    std::vector<std::string> logins;
    app.add_option("--logins", logins,
                   "Files of Docker's format (config.json, auth.json, .dockerconfigjson), or folders of them, to take "
                   "the logins from, instead of the keyring; may be repeated")
        ->type_name("PATH");
    regsync::ClusterSecretsScope clusters;
    app.add_option(
           "--clusters", clusters.selector,
           "Take the clusters from the hub's Secrets with these labels (a selector as of kubectl -l), instead of "
           "the contexts of a kubeconfig")
        ->type_name("SELECTOR");
    app.add_option("--clusters-namespace", clusters.name_space, "Where these Secrets are; else in all namespaces")
        ->type_name("NAMESPACE")
        ->needs("--clusters");
    app.add_option("--lease", options.lease,
                   "Of several replicas with the same --owner, only the one that holds this Lease of the hub writes")
        ->type_name("NAME");
    constexpr std::size_t most_slots = 64;
    app.add_option("--slots", options.slots, "Share the clusters among the replicas, by so many Leases")
        ->type_name("N")
        ->needs("--lease")
        ->check(CLI::Range(std::size_t{1}, most_slots));
    const std::map<std::string, bool> states{{"folder", false}, {"configmaps", true}};
    app.add_option(
           "--state", options.state_in_hub,
           "Where it is remembered which Secrets there are: in a folder of this machine, or in ConfigMaps of the "
           "hub, as always with --lease")
        ->type_name("folder|configmaps")
        ->transform(CLI::CheckedTransformer(states).description(""));
    refuse_empty_values(app);
    try {
      app.parse(arguments_of(argc, argv));
    } catch (const CLI::ParseError& error) {
      return app.exit(error) == 0 ? 0 : 2;  // --help and --version are not errors; 2 means wrong use
    }
    regsync::log::open("regsyncd");
    if (!kubeconfig.empty()) {
      options.kubeconfig = kubeconfig;
    }
    if (const auto wrong_use = regsync::guarded([&] { require_usable(options, clusters); })) {
      std::cerr << "regsyncd: " << regsync::describe(*wrong_use) << '\n';
      return 2;
    }
    if (!clusters.selector.empty()) {
      options.clusters = clusters;
    }
    for (const std::string& path : logins) {
      options.logins.push_back(std::filesystem::absolute(path));
    }
    return run(std::move(options));
  } catch (...) {
    std::cerr << "regsyncd: " << regsync::describe(regsync::current_error()) << '\n';
    return 1;
  }
}
