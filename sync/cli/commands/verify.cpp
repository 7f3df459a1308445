// regsync verify: reads the Secrets back from the clusters and asks the registry, like kubelet, whether they can pull.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <set>
#include <utility>

#include "helper/base/text.hpp"
#include "helper/store/registry_key.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/logins/registry_client.hpp"
#include "sync/model/image.hpp"
#include "sync/model/kubelet_keyring.hpp"
#include "sync/model/pull_cause.hpp"
#include "sync/model/status_query.hpp"

namespace regsync::cli {
namespace {

struct VerifyOptions {
  std::vector<std::string> targets;
  std::string image;
  std::vector<std::string> contexts;
  std::vector<std::string> namespaces;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

// One Secret (or a missing one) and the registry's verdict.
struct Row {
  std::string context;
  std::string name_space;
  std::string secret;
  std::optional<PullSecret> pull_secret;  // nullopt: it does not exist
  bool good = false;
  std::string verdict;
  std::string detail;
};

// Uses the verdicts of `regsync explain` and two more: LoginAccepted without an image, and Denied, because a refusal
// does not say whether it means the login or the image.
std::string text_of(PullVerdict verdict) {
  switch (verdict) {
    case PullVerdict::can_pull:
      return std::string(to_string(PullCause::pullable));
    case PullVerdict::denied:
      return "Denied";
    case PullVerdict::no_such_image:
      return std::string(to_string(PullCause::no_such_image));
    case PullVerdict::unreachable:
      break;
  }
  return std::string(to_string(PullCause::registry_unreachable));
}

asio::awaitable<void> read_rows(kube::KubeClient& client, const std::vector<Target>& declared,
                                const FootprintStore& footprints, const VerifyOptions& options, std::vector<Row>& rows,
                                std::set<std::string>& namespaces) {
  const std::string& context = client.context().name;
  const std::string& default_namespace = client.context().default_namespace;
  std::vector<Target> targets;
  Places places;
  for (const Target& target : declared) {
    if (selects_context(target, context)) {
      targets.push_back(meant_in(target, client.context(), footprints));
      places.merge(places_of(targets.back(), default_namespace));
    }
  }
  const Snapshot snapshot = co_await read_snapshot(client, places);
  for (const Key& key : keys_of(snapshot, places)) {
    const NamespaceView* view = snapshot.find_namespace(key.name_space);
    const bool wanted = std::ranges::any_of(targets, [&](const Target& target) {
      return target.secret == key.secret && selects(target, key.name_space, view, default_namespace) == Selected::yes;
    });
    if (!wanted) {
      continue;
    }
    namespaces.insert(key.name_space);
    if (!options.namespaces.empty() && !matches_any(options.namespaces, key.name_space)) {
      continue;
    }
    const auto secret = snapshot.secrets.find(key);
    Row row{context,
            key.name_space,
            key.secret,
            std::nullopt,
            false,
            std::string(to_string(PullCause::secret_missing)),
            as_called("regsync status says why")};
    if (secret != snapshot.secrets.end()) {
      row.pull_secret = read_pull_secret(key.secret, secret->second);
    }
    rows.push_back(std::move(row));
  }
}

std::string detail_of(const PullAnswer& answer, const std::string& username) {
  if (answer.verdict == PullVerdict::can_pull) {
    return "as " + username + (answer.note.empty() ? "" : "; " + answer.note);
  }
  return answer.verdict == PullVerdict::unreachable ? answer.detail : answer.detail + " to " + username;
}

RegistryLogin login_of(const KubeletEntry& entry) { return {entry.username, entry.password.clone()}; }

// Like kubelet, tries every matching entry until one can pull.
asio::awaitable<void> judge_image(Image image, const std::vector<KubeletEntry>& entries, Row& verdict) {
  verdict.verdict = to_string(PullCause::no_matching_entry);
  verdict.detail = "for " + image.host;
  for (const KubeletEntry* entry : entries_for(entries, image.name())) {
    RegistryLogin login = login_of(*entry);
    const PullAnswer answer = co_await try_pull(image, std::move(login));
    verdict.good = answer.verdict == PullVerdict::can_pull;
    verdict.verdict = text_of(answer.verdict);
    verdict.detail = detail_of(answer, entry->username);
    if (verdict.good) {
      co_return;
    }
  }
}

// Without an image: checks whether each registry accepts its login.
asio::awaitable<void> judge_logins(const std::vector<KubeletEntry>& entries, Row& verdict) {
  verdict.good = !entries.empty();
  verdict.verdict = entries.empty() ? to_string(PullCause::no_matching_entry) : "LoginAccepted";
  std::vector<std::string> accepted;
  for (const KubeletEntry& entry : entries) {
    const std::string host(RegistryKey(entry.key).host());
    RegistryLogin login = login_of(entry);
    const PullAnswer answer = co_await try_login(host, std::move(login));
    if (answer.verdict == PullVerdict::can_pull) {
      accepted.push_back(host + " " + detail_of(answer, entry.username));
      continue;
    }
    verdict.good = false;
    verdict.verdict = answer.verdict == PullVerdict::denied ? std::string(to_string(PullCause::login_denied))
                                                            : text_of(answer.verdict);
    verdict.detail = detail_of(answer, entry.username);
    co_return;
  }
  verdict.detail = join(accepted);
}

// Judges the Secret as kubelet reads it.
asio::awaitable<Row> judge_secret(const VerifyOptions& options, const PullSecret& secret) {
  Row verdict;
  if (!is_pull_secret(secret)) {
    verdict.verdict = to_string(PullCause::secret_wrong_type);
    verdict.detail = "kubelet ignores a Secret of the type " + presentable(secret.type);
    co_return verdict;
  }
  try {
    const std::vector<KubeletEntry> entries = entries_of(secret);
    if (options.image.empty()) {
      co_await judge_logins(entries, verdict);
    } else {
      Image image = parse_image(options.image);
      co_await judge_image(std::move(image), entries, verdict);
    }
  } catch (const Error& error) {
    verdict.verdict = to_string(PullCause::secret_malformed);
    verdict.detail = error.message();
  }
  co_return verdict;
}

// Judges the same payload once for all namespaces.
asio::awaitable<void> judge(const VerifyOptions& options, std::vector<Row>& rows) {
  std::map<std::pair<std::string, std::string>, Row> judged;  // by type and content
  for (Row& row : rows) {
    if (!row.pull_secret) {
      continue;
    }
    std::pair payload{row.pull_secret->type, row.pull_secret->content};
    auto known = judged.find(payload);
    if (known == judged.end()) {
      Row verdict = co_await judge_secret(options, *row.pull_secret);
      known = judged.emplace(std::move(payload), std::move(verdict)).first;
    }
    row.good = known->second.good;
    row.verdict = known->second.verdict;
    row.detail = known->second.detail;
  }
}

void print(const std::vector<Row>& rows, const VerifyOptions& options, Console& console) {
  if (options.format.is_structured()) {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) {
      all.push_back({{"context", row.context},
                     {"namespace", row.name_space},
                     {"secret", row.secret},
                     {"canPull", row.good},
                     {"verdict", row.verdict},
                     {"detail", row.detail}});
    }
    print_structured(console.out, make_list("VerdictList", std::move(all)), options.format);
    return;
  }
  Table table({"CONTEXT", "NAMESPACE", "SECRET", "VERDICT", "DETAIL"});
  for (const Row& row : rows) {
    table.add(
        {row.context, row.name_space, row.secret, {row.verdict, row.good ? Colour::green : Colour::red}, row.detail});
  }
  if (!table.empty()) {
    table.print(console.out, console.colour, options.format.headers());
  }
}

int verify(const VerifyOptions& options, Console& console) {
  if (!options.image.empty()) {  // find a typo before any request
    as_typed([&] { return parse_image(options.image); });
  }
  const AskedTargets asked = require_targets(options.targets, console);
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  require_contexts(kubeconfig, options.contexts);
  std::set<std::string> contexts = contexts_of(asked.targets, kubeconfig);
  require_matches(options.contexts, contexts, "context");
  std::erase_if(contexts, [&](const std::string& context) {
    return !options.contexts.empty() && !matches_any(options.contexts, context);
  });

  const FootprintStore footprints = known_footprints();
  std::vector<Row> rows;
  std::set<std::string> namespaces;  // namespaces that the targets select
  bool all_read = asked.complete;
  for_each_context(
      kubeconfig, {contexts.begin(), contexts.end()}, std::chrono::seconds(60),
      [&](kube::KubeClient& client) { return read_rows(client, asked.targets, footprints, options, rows, namespaces); },
      [&](const std::string& context, const Error& error) {
        print_error(console.err, error.within("context " + context));
        all_read = false;
      });
  if (all_read && !namespaces.empty()) {
    require_matches(options.namespaces, namespaces, "namespace");
  }
  run_to_end(judge(options, rows));
  std::ranges::sort(rows, {}, [](const Row& row) { return std::tie(row.context, row.name_space, row.secret); });
  print(rows, options, console);
  if (rows.empty() && all_read) {
    tell(console.err, "No Secret to verify: the targets select no namespace here. See: regsync status\n");
  }
  const bool good = all_read && !rows.empty() && std::ranges::all_of(rows, &Row::good);
  return good ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_verify(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      add_command(app, "verify", "Read the Secrets back and ask the registry, as kubelet would, whether they can pull",
                  {{"Check that pods can pull an image, in every cluster and namespace",
                    "regsync verify --image ghcr.io/acme/app:1"},
                   {"Check that the registry takes the logins of one target", "regsync verify myregcred"}});
  command->add_option("NAME", options->targets, "Only these targets");
  add_all_namespaces(command);
  command->add_option("--image", options->image, "The image to pull (default: only whether the login is accepted)");
  add_strings(command, "--context", options->contexts, "Only this context, or glob; may be repeated");
  add_strings(command, "-n,--namespace", options->namespaces, "Only this namespace, or glob; may be repeated");
  add_no_headers(command, options->format);
  add_output(command, options->format, {Format::json, Format::yaml});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, verify);
}

}  // namespace regsync::cli
