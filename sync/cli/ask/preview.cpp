#include "sync/cli/ask/preview.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "helper/base/guarded.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/comparison.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/config/settings.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/engine/status_builder.hpp"

namespace regsync::cli {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::size_t named_namespaces = 5;

// Returns the footprints of all targets after the change. They include every place that the target selected before,
// even if regsyncd has not written there.
std::map<std::string, Footprint> footprints_after(const TargetChange& change, const kube::Kubeconfig& kubeconfig,
                                                  const FootprintStore& known) {
  std::map<std::string, Footprint> footprints = known.all();
  if (!change.before) {
    return footprints;
  }
  Footprint& own = footprints[change.before->name];
  for (const std::string& context : selected_contexts({*change.before}, kubeconfig)) {
    Places& here = own.contexts[context];
    // for_each_context() reports an unusable context.
    (void)guarded([&] { here.merge(places_of(meant_in(*change.before, kubeconfig.resolve(context), known), "")); });
  }
  const bool forgets = !change.after || change.after->name != change.before->name;
  if (forgets && !own.forgotten) {
    own.forget(/*keep_secrets=*/false);
  }
  return footprints;
}

std::vector<Target> ends_of(const TargetChange& change) {
  std::vector<Target> ends;
  for (const auto& end : {change.before, change.after}) {
    if (end) {
      ends.push_back(*end);
    }
  }
  return ends;
}

// Makes the plans of the target and its namesakes.
DesiredState::Plans plans_after(Console& console, const TargetChange& change, const Inputs& inputs,
                                std::vector<std::string>& unknown) {
  std::vector<Target> targets = namesakes_of(ends_of(change), inputs.files, inputs.footprints);
  if (change.after && !change.plan) {
    targets.push_back(*change.after);
  }
  DesiredState::Plans plans;
  if (change.plan) {
    plans[change.plan->target.name] = change.plan;
  }
  if (!targets.empty()) {
    const KnownLogins known = read_logins(console, targets, Prompt::never, std::chrono::seconds(10), change.logins);
    if (known.store_problem) {
      unknown.push_back("the logins: " + known.store_problem->message());
    }
    for (const Target& target : targets) {
      plans[target.name] = std::make_shared<const Plan>(make_plan(target, known));
    }
  }
  return plans;
}

// Gathers the inputs as they are after the change.
Inputs gather(Console& console, const kube::Kubeconfig& kubeconfig, const TargetChange& change, RememberedState& memory,
              std::vector<std::string>& unknown) {
  Inputs inputs{.kubeconfig = kubeconfig,
                .memory = memory,
                .owner = this_owner(load_settings(paths::settings()), change.owner),
                .files = TargetDirectory(paths::targets()).load(),
                .footprints = footprints_after(change, kubeconfig, memory.footprints),
                .adoption = change.adoption};
  if (change.before) {
    inputs.files.erase(change.before->name);
  }
  if (change.after) {
    inputs.files[change.after->name].target = change.after;
    meet_contexts(*change.after, kubeconfig, memory.book);
  }
  for (const Target& end : ends_of(change)) {
    inputs.asked.insert(end.name);
  }
  inputs.plans = plans_after(console, change, inputs, unknown);
  return inputs;
}

// Returns the contexts where the target has Secrets before or after the change, without paused ones.
std::set<std::string> contexts_concerned(const TargetChange& change, const Inputs& inputs,
                                         std::vector<std::string>& paused) {
  std::set<std::string> contexts =
      change.after ? contexts_of({*change.after}, inputs.kubeconfig) : std::set<std::string>();
  contexts.merge(contexts_with_leftovers(inputs));
  for (const std::string& context : inputs.kubeconfig.contexts()) {
    if (change.before && selects_context(*change.before, context)) {
      contexts.insert(context);
    }
  }
  if (!change.resumed.empty()) {
    std::erase_if(contexts, [&](const std::string& context) { return !change.resumed.contains(context); });
    return contexts;
  }
  for (const std::string& context : take_out_paused(contexts)) {
    paused.push_back("context " + context);
  }
  return contexts;
}

}  // namespace

Preview preview(Console& console, const kube::Kubeconfig& kubeconfig, const TargetChange& change) {
  Preview result;
  if (change.after && change.after->paused) {
    result.paused.push_back("target " + change.after->name);
    return result;
  }
  RememberedState memory{.footprints = known_footprints(change.owner)};
  const Inputs inputs = gather(console, kubeconfig, change, memory, result.unknown);
  const std::set<std::string> contexts = contexts_concerned(change, inputs, result.paused);
  Differences found = compare_all(inputs, contexts, patience, [&](const std::string& context, const Error& error) {
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
      lines;  // by kind, verb, context and owner
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
