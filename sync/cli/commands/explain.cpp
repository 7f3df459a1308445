// regsync explain: explains by kubelet's rules why pods cannot pull their images, and what to do.
#include <algorithm>
#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>
#include <ostream>

#include "sync/base/limiter.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/base/suggest.hpp"
#include "sync/cli/ask/failing_pods.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/ask/pull_trials.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/pull_remedy.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/engine/footprint.hpp"

namespace regsync::cli {
namespace {

struct ExplainOptions {
  std::optional<std::string> pod;
  std::vector<std::string> contexts;
  std::vector<std::string> namespaces;
  bool all_namespaces = false;
  std::string selector;
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

constexpr std::chrono::seconds patience{60};
// Limited, because anyone who can create pods chooses the hosts.
constexpr std::size_t most_registries_at_once = 32;

// One container that cannot pull.
struct Row {
  const PodCase* found;
  const PullFailure* failure;
  PullFinding finding;
  std::string remedy;
};

// Resolves the query for one context, where each target has its own namespaces.
PodQuery query_in(const kube::ResolvedContext& context, PodQuery query, const FootprintStore& footprints) {
  for (Target& target : query.targets) {
    target = meant_in(target, context, footprints);
  }
  return query;
}

// Returns the requested contexts, or those of the targets, or, if no target is declared, the current one. Throws
// not_found if the targets have none: "no pod fails" would be wrong if no context was searched.
std::vector<std::string> contexts_meant(const ExplainOptions& options, const kube::Kubeconfig& kubeconfig,
                                        const AskedTargets& declared) {
  if (!options.contexts.empty()) {
    require_contexts(kubeconfig, options.contexts);
    return select_contexts(kubeconfig, options.contexts);
  }
  if (declared.files.empty()) {
    return {require_current_context(kubeconfig)};
  }
  const std::set<std::string> contexts = contexts_of(declared.targets, kubeconfig);
  if (contexts.empty() && declared.complete) {
    throw Error(ErrorCode::not_found, "no context of the kubeconfig is selected by any target",
                "say where to look: regsync explain --context CONTEXT; see which there are: kubectl config "
                "get-contexts");
  }
  return {contexts.begin(), contexts.end()};
}

// Whether the targets determine where to search, at least in part.
bool looks_by_targets(const ExplainOptions& options) {
  return options.contexts.empty() || (options.namespaces.empty() && !options.all_namespaces);
}

// Accepts "pod/NAME" for NAME, like kubectl.
std::optional<std::string> pod_name(const std::optional<std::string>& text) {
  if (!text) {
    return std::nullopt;
  }
  for (const std::string_view kind : {"pod/", "pods/", "po/"}) {
    if (text->starts_with(kind)) {
      return text->substr(kind.size());
    }
  }
  return text;
}

asio::awaitable<PullFinding> find_cause(const PodCase& found, const PullFailure& failure, PullTrials& trials) {
  Image image;
  std::optional<Error> unusable;
  try {
    image = parse_image(failure.image);
  } catch (const Error& error) {
    unusable = error;
  }
  if (unusable) {
    co_return PullFinding{PullCause::invalid_image, unusable->message(), {}, {}};
  }
  const PullLookup lookup = look_up(found.secrets, image);
  if (auto early = conclude_early(failure, lookup)) {
    co_return *early;
  }
  const std::vector<PullTrial> answers = co_await trials.run(image, lookup);
  co_return conclude(found.pod, failure, image, lookup, found.account_secrets, answers);
}

// Returns the registry host of the image; empty if the image name is invalid.
std::string host_of(const PullFailure& failure) {
  try {
    return parse_image(failure.image).host;
  } catch (const Error&) {
    return {};
  }
}

// Asks all registries concurrently, so that an unreachable one does not delay the others.
void find_causes(std::vector<Row>& rows, Console& console) {
  std::map<std::string, std::vector<Row*>> by_host;
  for (Row& row : rows) {
    by_host[host_of(*row.failure)].push_back(&row);
  }
  PullTrials trials;
  Limiter registries(most_registries_at_once);
  asio::io_context io(1);
  const auto work = [&trials, &registries](std::vector<Row*> some) -> asio::awaitable<void> {
    const auto turn = co_await registries.enter();
    for (Row* row : some) {
      row->finding = co_await find_cause(*row->found, *row->failure, trials);
    }
  };
  for (const auto& [host, some] : by_host) {
    spawn_guarded(io.get_executor(), work(some), [&console](const std::optional<Error>& problem) {
      if (problem) {
        print_error(console.err, *problem);
      }
    });
  }
  io.run();
}

std::vector<Row> rows_of(const std::vector<PodCase>& cases, const std::vector<Target>& targets, Console& console) {
  std::vector<Row> rows;
  for (const PodCase& found : cases) {
    for (const PullFailure& failure : found.pod.failures) {
      rows.push_back({&found, &failure, {}, {}});
    }
  }
  find_causes(rows, console);
  for (Row& row : rows) {
    const Image image = host_of(*row.failure).empty() ? Image() : parse_image(row.failure->image);
    row.remedy = remedy_of(row.finding, row.found->context, row.found->pod, *row.failure, image, targets);
  }
  std::ranges::sort(rows, {}, [](const Row& row) {
    return std::tie(row.found->context, row.found->pod.name_space, row.found->pod.name, row.failure->container);
  });
  return rows;
}

void print_table(const std::vector<Row>& rows, const ExplainOptions& options, Console& console) {
  const bool wide = options.format == Format::wide;
  std::vector<std::string> header{"CONTEXT", "NAMESPACE", "POD", "CONTAINER", "CAUSE"};
  if (wide) {
    header.insert(header.end(), {"REASON", "IMAGE"});
  }
  Table table(std::move(header));
  for (const Row& row : rows) {
    std::vector<Cell> cells{row.found->context, row.found->pod.name_space, row.found->pod.name, row.failure->container,
                            Cell(std::string(to_string(row.finding.cause)),
                                 row.finding.cause == PullCause::pullable ? Colour::yellow : Colour::red)};
    if (wide) {
      cells.insert(cells.end(), {row.failure->reason, row.failure->image});
    }
    table.add(std::move(cells));
  }
  table.print(console.out, console.colour, options.format.headers());
  std::set<std::pair<std::string, std::string>> told;  // once for all pods with the same cause
  for (const Row& row : rows) {
    if (!told.emplace(row.finding.message, row.remedy).second) {
      continue;
    }
    print_folded(console.out, '\n' + row.found->pod.name_space + '/' + row.found->pod.name + ": " +
                                  printable(row.finding.message) + '\n');
    if (!row.failure->message.empty() && row.finding.cause != PullCause::other) {
      print_folded(console.out, "  the node says: " + printable_line(row.failure->message) + '\n');
    }
    print_folded(console.out, "  " + paint("-> " + printable(row.remedy), Colour::yellow, console.colour) + '\n');
  }
}

nlohmann::json to_json(const Row& row) {
  return {{"context", row.found->context},
          {"namespace", row.found->pod.name_space},
          {"pod", row.found->pod.name},
          {"container", row.failure->container},
          {"image", row.failure->image},
          {"cause", to_string(row.finding.cause)},
          {"message", row.finding.message},
          {"remedy", row.remedy},
          {"node", {{"reason", row.failure->reason}, {"message", row.failure->message}}}};
}

void print(const std::vector<Row>& rows, const ExplainOptions& options, Console& console) {
  if (options.format.is_structured()) {
    nlohmann::json all = nlohmann::json::array();
    for (const Row& row : rows) {
      all.push_back(to_json(row));
    }
    print_structured(console.out, make_list("PullFailureList", std::move(all)), options.format);
    return;
  }
  if (options.format == Format::name) {
    std::set<std::string> names;
    for (const Row& row : rows) {
      names.insert("pod/" + row.found->pod.name);
    }
    for (const std::string& name : names) {
      console.out << name << '\n';
    }
    return;
  }
  if (!rows.empty()) {
    print_table(rows, options, console);
  }
}

// Throws not_found for a namespace that no cluster has, if all clusters list their namespaces: after a typo, "no pod
// fails" would be wrong.
void require_namespaces(const ExplainOptions& options, const kube::Kubeconfig& kubeconfig,
                        const std::vector<std::string>& contexts) {
  std::set<std::string> known;
  bool complete = true;
  for_each_context(
      kubeconfig, contexts, patience,
      [&](kube::KubeClient& client) -> asio::awaitable<void> {
        std::vector<std::string> names = co_await namespace_names(client);
        known.insert(names.begin(), names.end());
      },
      [&](const std::string&, const Error&) { complete = false; });
  for (const std::string& pattern : options.namespaces) {
    if (complete && std::ranges::none_of(known, [&](const std::string& name) { return glob_match(pattern, name); })) {
      throw Error(ErrorCode::not_found,
                  (is_glob(pattern) ? "no namespace matches \"" : "there is no namespace \"") + pattern + "\"",
                  did_you_mean(pattern, {known.begin(), known.end()}));
    }
  }
}

int explain(const ExplainOptions& options, Console& console) {
  const AskedTargets declared = declared_targets(console);
  const std::vector<Target>& targets = declared.targets;
  const kube::Kubeconfig kubeconfig = load_kubeconfig(options.kubeconfig);
  const FootprintStore footprints = known_footprints();
  const PodQuery query{pod_name(options.pod), options.namespaces, options.all_namespaces, options.selector, targets};
  const std::vector<std::string> contexts = contexts_meant(options, kubeconfig, declared);
  std::vector<PodCase> cases;
  bool all_read = declared.complete || !looks_by_targets(options);
  const auto on_unread = [&](const std::string& context, const Error& error) {
    print_error(console.err, error.within("context " + context));
    all_read = false;
  };
  for_each_context(
      kubeconfig, contexts, patience,
      [&](kube::KubeClient& client) -> asio::awaitable<void> {
        OnUnread unread = [&](const Error& error) { on_unread(client.context().name, error); };
        PodQuery here = query_in(client.context(), query, footprints);
        std::vector<PodCase> found = co_await read_pods(client, std::move(here), std::move(unread));
        std::ranges::move(found, std::back_inserter(cases));
      },
      on_unread);
  if (cases.empty() && all_read && !options.namespaces.empty()) {
    require_namespaces(options, kubeconfig, contexts);
  }
  if (query.name && cases.empty() && all_read) {
    throw Error(ErrorCode::not_found, "no pod " + *query.name + " in the namespaces that were looked at",
                (options.namespaces.empty()
                     ? "name its namespace: regsync explain " + shell_word(*query.name) + " -n NAMESPACE; or look"
                     : std::string("look")) +
                    " in all: regsync explain " + shell_word(*query.name) + " -A");
  }
  const std::vector<Row> rows = rows_of(cases, targets, console);
  print(rows, options, console);
  if (rows.empty() && all_read && !options.format.is_structured()) {
    console.err << (query.name ? "Pod " + *query.name + " has pulled its images.\n" : "No pod fails to pull.\n");
  }
  return all_read && rows.empty() ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_explain(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = add_command(app, "explain", "Say why pods cannot pull their images, and what to do",
                                  {{"Every pod that fails, where the targets have Secrets", "regsync explain"},
                                   {"One pod", "regsync explain app-7d4b9 -n team-a --context dev"},
                                   {"All pods of the current context, for a script", "regsync explain -A -o json"}});
  command->add_option("POD", options->pod, "Only this pod");
  add_strings(command, "--context", options->contexts, "Only this context, or glob; may be repeated");
  add_strings(command, "-n,--namespace", options->namespaces, "In this namespace, or glob; may be repeated");
  command->add_flag("-A,--all-namespaces", options->all_namespaces, "In all namespaces")->excludes("--namespace");
  command->add_option("-l,--selector", options->selector, "Only pods with these labels, as in app=web");
  add_no_headers(command, options->format);
  add_output(command, options->format, {Format::wide, Format::name, Format::json, Format::yaml});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, explain);
}

}  // namespace regsync::cli
