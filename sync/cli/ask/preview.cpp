#include "sync/cli/ask/preview.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "helper/base/guarded.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/deletion_rules.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/config/settings.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/engine/status_builder.hpp"

namespace regsync::cli {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::size_t named_namespaces = 5;

// What regsyncd remembers of all targets once the change is made. Where the target goes by its words of before counts,
// whether regsyncd has been there or not.
std::map<std::string, Footprint> footprints_after(const TargetChange& change, const kube::Kubeconfig& kubeconfig,
                                                  const FootprintStore& known) {
  std::map<std::string, Footprint> footprints = known.all();
  if (!change.before) {
    return footprints;
  }
  Footprint& own = footprints[change.before->name];
  for (const std::string& context : selected_contexts({*change.before}, kubeconfig)) {
    Places& here = own.contexts[context];
    // Of one that cannot be used, for_each_context() says so.
    (void)guarded([&] { here.merge(places_of(meant_in(*change.before, kubeconfig.resolve(context), known), "")); });
  }
  const bool forgets = !change.after || change.after->name != change.before->name;
  if (forgets && !own.forgotten) {
    own.forget(/*keep_secrets=*/false);
  }
  return footprints;
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
  RememberedState memory{.footprints = known_footprints(change.owner)};
  TargetFiles files = TargetDirectory(paths::targets()).load();
  if (change.before) {
    files.erase(change.before->name);
  }
  if (change.after) {
    files[change.after->name].target = change.after;
  }
  const std::vector<std::shared_ptr<const Plan>> plans = plans_after(console, change, files, result.unknown);
  if (change.after) {
    meet_contexts(*change.after, kubeconfig, memory.book);
  }
  const std::map<std::string, Footprint> footprints = footprints_after(change, kubeconfig, memory.footprints);
  const DeletionRules rules(files, footprints, kubeconfig, memory.book);
  std::set<std::string> names;
  for (const auto& end : {change.before, change.after}) {
    if (end) {
      names.insert(end->name);
    }
  }
  std::set<std::string> contexts = change.after ? contexts_of({*change.after}, kubeconfig) : std::set<std::string>();
  std::map<std::string, DeletionScope> scopes;
  for (const std::string& context : kubeconfig.contexts()) {
    const DeletionScope& scope = scopes[context] =
        rules.scope_in(context, [&](const std::string& target) { return names.contains(target); });
    if (!scope.places.empty() || (change.before && selects_context(*change.before, context))) {
      contexts.insert(context);
    }
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
        DeletionScope& scope = scopes[context];
        scope.siblings = siblings_of(context, files, kubeconfig, memory);
        scope.asked = names;
        scope.adoption = change.adoption;
        return find_differences(client, std::move(here), owner, memory, found, scope);
      },
      [&](const std::string& context, const Error& error) {
        result.unknown.push_back("context " + context + ": " + error.message());
      });
  for (const std::string& context : contexts) {
    if (!change.after && memory.book.is_held(context)) {
      found.obstacles.push_back({context, context_held(context, memory.book)});
    }
  }
  result.changes = std::move(found.changes);
  result.obstacles = std::move(found.obstacles);
  std::ranges::sort(result.obstacles, {}, &PlacedProblem::place);
  std::ranges::sort(result.changes, {}, [](const Difference& each) {
    return std::tie(each.context, each.name_space, each.kind, each.name);
  });
  std::ranges::sort(result.unknown);
  return result;
}

bool Preview::may_take_over() const {
  return !unknown.empty() ||
         std::ranges::any_of(changes, [](const Difference& change) { return !change.taken_over.empty(); });
}

namespace {

enum class Verb : std::uint8_t { create, take_over, change, remove };

Verb verb_of(const Difference& change) {
  if (!change.taken_over.empty()) {
    return Verb::take_over;
  }
  return change.before.is_null() ? Verb::create : change.after.is_null() ? Verb::remove : Verb::change;
}

const char* to_string(Verb verb) {
  switch (verb) {
    case Verb::create:
      return "create ";
    case Verb::take_over:
      return "take over ";
    case Verb::change:
      return "change ";
    case Verb::remove:
      return "delete ";
  }
  return "";
}

}  // namespace

std::string describe(const Preview& preview) {
  std::map<std::tuple<DifferenceKind, Verb, std::string, std::string>, std::vector<std::string>>
      lines;  // by kind, verb, context, and whose they are
  for (const Difference& change : preview.changes) {
    lines[{change.kind, verb_of(change), change.context, change.taken_over}].push_back(change.name_space + "/" +
                                                                                       change.name);
  }
  std::string text;
  for (const auto& [key, objects] : lines) {
    const auto& [kind, verb, context, whose] = key;
    text += printable_line("  " + std::string(to_string(verb)) +
                           count_of(objects.size(), kind == DifferenceKind::secret ? "Secret" : "ServiceAccount") +
                           " in context " + context + (whose.empty() ? "" : ", " + whose) + ": " +
                           join(objects, ", ", named_namespaces)) +
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

void print_preview(Console& console, std::ostream& out, const std::string& heading, const Preview& preview) {
  print_folded(out, heading + "\n" + describe(preview));
  print_warnings(console.err, preview.obstacles);
}

}  // namespace regsync::cli
