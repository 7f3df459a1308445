#include "sync/cli/ask/preview.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "helper/base/guarded.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/config/settings.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/engine/paused_contexts.hpp"

namespace regsync::cli {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::size_t named_namespaces = 5;

// Where the target has Secrets now: what its file says, and what regsync remembers to have written.
std::map<std::string, Places> places_before(const TargetChange& change, const kube::Kubeconfig& kubeconfig,
                                            const FootprintStore& footprints) {
  std::map<std::string, Places> places;
  const std::string& name = change.before ? change.before->name : change.after->name;
  if (const auto known = footprints.all().find(name); known != footprints.all().end()) {
    places = known->second.contexts;
  }
  for (const std::string& context : kubeconfig.contexts()) {
    if (change.before && selects_context(*change.before, context)) {
      Places& here = places[context];
      // Of one that cannot be used, for_each_context() says so.
      (void)guarded(
          [&] { here.merge(places_of(meant_in(*change.before, kubeconfig.resolve(context), footprints), "")); });
    }
  }
  return places;
}

// Where other targets have, or had, Secrets: what does not say of which target it is, may be of one of these.
Places places_of_others(const FootprintStore& footprints, const std::string& target, const std::string& context) {
  Places places;
  for (const auto& [name, footprint] : footprints.all()) {
    const auto here = footprint.contexts.find(context);
    if (name != target && here != footprint.contexts.end()) {
      places.merge(here->second);
    }
  }
  return places;
}

// The plans of the target, and of those whose Secrets bear the same name as one of its own.
std::vector<std::shared_ptr<const Plan>> plans_after(Console& console, const TargetChange& change,
                                                     const TargetFiles& files, std::vector<std::string>& unknown) {
  std::vector<Target> ends;
  for (const auto& end : {change.before, change.after}) {
    if (end) {
      ends.push_back(*end);
    }
  }
  std::vector<Target> targets = namesakes_of(ends, files);
  if (change.after && !change.plan) {
    targets.push_back(*change.after);
  }
  std::vector<std::shared_ptr<const Plan>> plans;
  if (change.plan) {
    plans.push_back(change.plan);
  }
  if (!targets.empty()) {
    const KnownLogins known = read_logins(console, targets, Prompt::never, std::chrono::seconds(10), change.logins);
    if (known.store_problem) {
      unknown.push_back("the logins: " + known.store_problem->message());
    }
    for (const Target& target : targets) {
      plans.push_back(std::make_shared<const Plan>(make_plan(target, known)));
    }
  }
  return plans;
}

}  // namespace

Preview preview(Console& console, const kube::Kubeconfig& kubeconfig, const TargetChange& change) {
  Preview result;
  if (change.after && change.after->paused) {
    result.paused.push_back("target " + change.after->name);
    return result;
  }
  const RememberedState memory{.footprints = known_footprints(change.owner)};
  TargetFiles files = TargetDirectory(paths::targets()).load();
  if (change.before) {
    files.erase(change.before->name);
  }
  if (change.after) {
    files[change.after->name].target = change.after;
  }
  const std::vector<std::shared_ptr<const Plan>> plans = plans_after(console, change, files, result.unknown);
  const std::map<std::string, Places> before = places_before(change, kubeconfig, memory.footprints);
  std::set<std::string> contexts;
  std::ranges::copy_if(kubeconfig.contexts(), std::inserter(contexts, contexts.end()),
                       [&](const std::string& context) { return before.contains(context); });
  if (change.after) {
    std::ranges::copy(contexts_of({*change.after}, kubeconfig), std::inserter(contexts, contexts.end()));
  }
  const PausedContexts paused(paths::paused_contexts());
  std::erase_if(contexts, [&](const std::string& context) {
    if (!change.resumed.empty()) {
      return !change.resumed.contains(context);
    }
    if (paused.contains(context)) {
      result.paused.push_back("context " + context);
    }
    return paused.contains(context);
  });
  const std::string& name = change.before ? change.before->name : change.after->name;
  const Owner owner = this_owner(load_settings(paths::settings()), change.owner);
  Differences found;
  for_each_context(
      kubeconfig, {contexts.begin(), contexts.end()}, patience,
      [&](kube::KubeClient& client) {
        const std::string& context = client.context().name;
        std::vector<std::shared_ptr<const Plan>> here;
        for (const auto& plan : plans) {
          if (selects_context(plan->target, context)) {
            here.push_back(plan);
          }
        }
        const auto places = before.find(context);
        return find_differences(client, std::move(here), owner, memory, found,
                                {.places = places == before.end() ? Places() : places->second,
                                 .known_targets = {name},
                                 .in_doubt = places_of_others(memory.footprints, name, context),
                                 .siblings = siblings_of(context, files, kubeconfig, memory),
                                 .asked = {name, change.after ? change.after->name : name}});
      },
      [&](const std::string& context, const Error& error) {
        result.unknown.push_back("context " + context + ": " + error.message());
      });
  result.changes = std::move(found.changes);
  result.obstacles = std::move(found.obstacles);
  std::ranges::sort(result.changes, {}, [](const Difference& each) {
    return std::tie(each.context, each.name_space, each.kind, each.name);
  });
  std::ranges::sort(result.unknown);
  return result;
}

std::string describe(const Preview& preview) {
  std::map<std::tuple<DifferenceKind, std::size_t, std::string>, std::vector<std::string>>
      lines;  // by kind, verb, context
  for (const Difference& change : preview.changes) {
    const std::size_t verb = change.before.is_null() ? 0 : change.after.is_null() ? 2 : 1;
    lines[{change.kind, verb, change.context}].push_back(change.name_space + "/" + change.name);
  }
  std::string text;
  for (const auto& [key, objects] : lines) {
    const auto& [kind, verb, context] = key;
    constexpr std::array<const char*, 3> verbs{"create", "change", "delete"};
    text += printable_line("  " + std::string(verbs.at(verb)) + " " +
                           count_of(objects.size(), kind == DifferenceKind::secret ? "Secret" : "ServiceAccount") +
                           " in context " + context + ": " + join(objects, ", ", named_namespaces)) +
            "\n";
  }
  if (!preview.paused.empty()) {
    text += printable_line("  paused, so nothing changes: " + join(preview.paused, ", ", named_namespaces)) + "\n";
  }
  for (const std::string& unknown : preview.unknown) {
    text += printable_line("  not known for " + unknown) + "\n";
  }
  return text.empty() ? "  no Secret changes\n" : text;
}

}  // namespace regsync::cli
