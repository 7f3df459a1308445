#include "sync/engine/status_builder.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "helper/base/shell_word.hpp"
namespace regsync {

namespace {

const Target* find_target(const EngineState& state, const std::string& name) {
  const auto file = state.targets.find(name);
  return file == state.targets.end() || !file->second.target ? nullptr : &*file->second.target;
}

// For a target whose file is gone, removed on purpose or not.
TargetStatus status_of_remains(const std::string& name, const Footprint& footprint) {
  TargetStatus status;
  status.name = name;
  status.secret = name;
  status.removing = footprint.forgotten;
  if (!footprint.contexts.empty() && !footprint.contexts.begin()->second.secrets.empty()) {
    status.secret = footprint.contexts.begin()->second.secrets.begin()->first;
  }
  if (!status.removing) {
    status.problems.emplace_back(ErrorCode::file_missing,
                                 "the file of target " + name + " is gone; its Secrets are kept",
                                 "put the file back, or delete them: regsync remove " + name);
  }
  return status;
}

// When the first of a target's logins ends: for each registry its own login, else that of its host.
std::optional<WallTime> first_end(const Target& target, const std::map<RegistryKey, LoginEnd>& ends) {
  std::optional<WallTime> first;
  for (const std::string& registry : target.registries) {
    const RegistryKey key(registry);
    auto end = ends.find(key);
    if (end == ends.end()) {
      end = ends.find(key.whole_host());
    }
    if (end != ends.end()) {
      first = std::min(first.value_or(end->second.at), end->second.at);
    }
  }
  return first;
}

TargetStatus target_status(const EngineState& state, const std::map<RegistryKey, LoginEnd>& login_ends,
                           const std::string& name) {
  const auto file = state.targets.find(name);
  if (file == state.targets.end()) {
    return status_of_remains(name, *state.footprints.find(name));
  }
  TargetStatus status;
  status.name = name;
  status.secret = name;
  if (file->second.problem) {
    status.problems.push_back(*file->second.problem);
  }
  const Target* target = find_target(state, name);
  if (target == nullptr) {
    return status;
  }
  status.secret = target->secret;
  status.registries = target->registries;
  status.paused = target->paused;
  status.expires = first_end(*target, login_ends);
  if (const auto plan = state.intent.plans().find(name); plan != state.intent.plans().end()) {
    const auto& problems = plan->second->problems;
    status.problems.insert(status.problems.end(), problems.begin(), problems.end());
  }
  if (const auto held = state.footprints.held(name)) {
    status.problems.push_back(*held);
  }
  if (const auto warning = state.footprints.warning(name)) {
    status.problems.push_back(*warning);
  }
  if (const auto& problem = state.contexts.kubeconfig_problem()) {
    status.problems.push_back(*problem);
  }
  return status;
}

// The targets that have a file, or have left something.
std::set<std::string> names_of(const EngineState& state) {
  std::set<std::string> names;
  for (const auto& [name, file] : state.targets) {
    names.insert(name);
  }
  for (const auto& [name, footprint] : state.footprints.all()) {
    names.insert(name);
  }
  return names;
}

// The contexts that a target names, matches, or has left something in.
std::set<std::string> contexts_of(const EngineState& state, const std::string& name) {
  std::set<std::string> contexts;
  if (const Target* target = find_target(state, name)) {
    std::copy_if(target->contexts.begin(), target->contexts.end(), std::inserter(contexts, contexts.end()),
                 [](const auto& pattern) { return !is_glob(pattern); });
    std::ranges::copy_if(state.contexts.names(), std::inserter(contexts, contexts.end()),
                         [&](const auto& context) { return state.contexts.selects(*target, context); });
  }
  if (const Footprint* footprint = state.footprints.find(name)) {
    for (const auto& [context, places] : footprint->contexts) {
      contexts.insert(context);
    }
  }
  return contexts;
}

bool is_undecided(const EngineState& state, const std::string& name, const std::string& context) {
  const auto contexts = state.intent.undecided().find(name);
  return contexts != state.intent.undecided().end() && contexts->second.contains(context);
}

Error namespaces_undecided(const std::string& name, const std::string& context) {
  return {ErrorCode::invalid_input,
          "it is not certain yet which namespaces target " + name + " means in context " + context +
              ": its file or the kubeconfig has just changed and may be incomplete",
          "nothing to do: both are read again within seconds"};
}

bool names_plainly(const EngineState& state, const std::string& name, const std::string& context) {
  const Target* target = find_target(state, name);
  return target != nullptr && std::ranges::find(target->contexts, context) != target->contexts.end();
}

// Whether a context is gone from the kubeconfig, and nobody wants it back.
bool is_gone(const EngineState& state, const std::string& name, const std::string& context) {
  return !state.contexts.contains(context) && !state.contexts.find(context) && !names_plainly(state, name, context);
}

// Whether it is a cluster that a context once led to. Those are reported only if Secrets of a removed target may be
// left there.
bool is_former(const EngineState& state, const std::string& name, const std::string& context) {
  const auto* known = state.book.find(context);
  const Footprint* footprint = state.footprints.find(name);
  const bool removed = footprint != nullptr && footprint->forgotten;
  const std::string former_of = known == nullptr ? former_context(context) : known->former_of;
  return !former_of.empty() && !removed;
}

// The problem of a context without a cluster: nothing if it is gone and no target names it plainly, or if another
// replica serves it.
std::optional<Error> problem_of_missing(const EngineState& state, const std::string& name, const std::string& context) {
  const auto& problems = state.contexts.problems();
  if (const auto problem = problems.find(context); problem != problems.end()) {
    return problem->second;
  }
  return names_plainly(state, name, context) && !state.contexts.contains(context)
             ? std::optional(state.contexts.vanished(context))
             : std::nullopt;
}

// For a context that disappeared: it gets no changes within its grace period, so its desired state may be out of date.
void doubt_rows(std::span<StatusRow> rows, const Error& vanished) {
  for (StatusRow& row : rows) {
    if (row.state == SyncState::in_sync) {
      row.state = SyncState::pending;
      row.cause = vanished;
    }
  }
}

// Two contexts of one cluster may write the same object: while one is writing, the other's row is not final.
void doubt_shared_rows(const EngineState& state, const std::string& context, std::span<StatusRow> rows) {
  for (const auto& peer : state.book.peers(context)) {
    const auto cluster = state.contexts.find(peer);
    if (!cluster || !cluster->may_write_anything()) {
      continue;  // few of a hundred contexts of one cluster may be writing
    }
    for (StatusRow& row : rows) {
      if (row.state == SyncState::in_sync && cluster->may_write({row.name_space, row.secret})) {
        row.state = SyncState::pending;
      }
    }
  }
}

void add_rows(const EngineState& state, const std::string& name, const std::string& context,
              std::vector<StatusRow>& rows) {
  const Footprint* footprint = state.footprints.find(name);
  const bool removing = !state.targets.contains(name) && footprint != nullptr && footprint->forgotten;
  const auto add_context_row = [&](std::optional<Error> cause, SyncState otherwise = SyncState::stuck) {
    StatusRow row;
    row.target = name;
    row.context = context;
    row.state = removing ? SyncState::removing : otherwise;
    row.cause = std::move(cause);
    const auto plan = state.intent.plans().find(name);
    row.since = plan == state.intent.plans().end() ? state.started : plan->second->since;
    rows.push_back(std::move(row));
  };
  const auto cluster = state.contexts.find(context);
  if (!cluster) {
    if (const auto problem = problem_of_missing(state, name, context)) {
      add_context_row(problem);
    } else if (removing && state.contexts.contains(context)) {
      add_context_row(Error(ErrorCode::timeout,
                            "another replica serves context " + context + ", and removes what is there",
                            "nothing to do: it does so when its files do not have the target any more"));
    }
    return;  // a context that is gone and that no target names gets a note instead
  }
  if (is_undecided(state, name, context)) {
    const auto& problem = state.targets.at(name).problem;  // if the file cannot be read, nothing is certain
    add_context_row(problem.value_or(namespaces_undecided(name, context)),
                    problem ? SyncState::stuck : SyncState::pending);
  }
  const auto before = rows.size();
  cluster->add_rows(name, rows);
  doubt_shared_rows(state, context, std::span(rows).subspan(before));
  if (!state.contexts.contains(context)) {
    doubt_rows(std::span(rows).subspan(before), state.contexts.vanished(context));
  }
  const auto health = cluster->status();
  if (removing && rows.size() == before && (state.paused.contains(context) || state.book.is_held(context))) {
    cluster->add_held_rows(name, rows);  // nothing is deleted there now, but the leftovers are not forgotten
    if (rows.size() == before) {
      add_context_row(std::nullopt);
    }
  } else if (removing && rows.size() == before && !health.connected) {
    add_context_row(health.problem);  // the leftovers are unknown, but not forgotten
  } else if (removing) {
    const Places& places = footprint->contexts.at(context);
    cluster->add_unread_rows(name, places, rows);
    if (rows.size() == before) {
      if (auto unread = cluster->what_is_unread(places)) {
        add_context_row(std::move(unread));
      }
    }
  }
}

// Paused rows are neither in sync nor failing, whatever the cluster reports.
void show_pauses(const EngineState& state, const std::string& name, std::vector<StatusRow>& rows) {
  const Target* target = find_target(state, name);
  for (StatusRow& row : rows) {
    if ((target != nullptr && target->paused) || state.paused.contains(row.context)) {
      row.state = SyncState::paused;
      row.cause.reset();
      row.next_try.reset();
    }
  }
}

// Whether leftovers can only be in contexts that are gone: the removal is then done as far as possible.
bool is_removed(const EngineState& state, const std::string& name) {
  const Footprint* footprint = state.footprints.find(name);
  return !state.targets.contains(name) && footprint != nullptr && footprint->forgotten &&
         std::ranges::all_of(footprint->contexts,
                             [&](const auto& context) { return is_gone(state, name, context.first); });
}

// Adds one note for all contexts that are gone. place: where they were.
void add_gone_note(const std::set<std::string>& gone, const std::string& place, std::vector<Error>& notes) {
  if (gone.empty()) {
    return;
  }
  constexpr std::size_t shown = 3;
  std::string names;
  std::size_t i = 0;
  for (auto name = gone.begin(); name != gone.end() && i < shown; ++name, ++i) {
    names += (i == 0 ? "" : ", ") + *name;
  }
  if (gone.size() > shown) {
    names += " and " + std::to_string(gone.size() - shown) + " more";
  }
  const bool one = gone.size() == 1;
  notes.emplace_back(ErrorCode::kubeconfig,
                     (one ? "context " + names + " is" : std::to_string(gone.size()) + " contexts are") + " not in " +
                         place + " any more, and Secrets may be left there" + (one ? "" : ": " + names),
                     "if the cluster is gone too: regsync forget-context " + shell_word(*gone.begin()));
}

constexpr auto noted_for = std::chrono::hours(24);

// Notes contexts that lead to another cluster than before, for a day or until they are trusted.
void add_context_notes(const EngineState& state, WallTime now, const std::set<std::string>& contexts,
                       std::vector<Error>& notes) {
  for (const auto& [context, known] : state.book.all()) {
    if (contexts.contains(context) && known.changed && !known.held && now - *known.changed < noted_for) {
      notes.emplace_back(
          ErrorCode::kubeconfig,
          "context " + context + " leads to another cluster than before; what it has in the former one stays as it is",
          "if that is as it should be: regsync trust-context " + shell_word(context));
    }
  }
}

// Notes a target whose patterns match no context now.
void add_pattern_notes(const EngineState& state, const std::string& name, std::vector<Error>& notes) {
  const Target* target = find_target(state, name);
  Target by_label;  // ignores the names that the target has in addition to its selector
  by_label.context_selector = target == nullptr ? LabelSelector() : target->context_selector;
  if (!by_label.context_selector.empty() && std::ranges::none_of(state.contexts.names(), [&](const auto& context) {
        return state.contexts.selects(by_label, context);
      })) {
    notes.emplace_back(
        ErrorCode::kubeconfig,
        "target " + name + ": no context has labels that match \"" + by_label.context_selector.text() + "\" now",
        "labels are those of the clusters' Secrets (regsyncd --clusters); a kubeconfig gives none");
  }
  for (const auto& pattern : target == nullptr ? std::vector<std::string>() : target->contexts) {
    const auto matches = [&](const std::string& context) { return glob_match(pattern, context); };
    if (is_glob(pattern) && std::ranges::none_of(state.contexts.names(), matches)) {
      notes.emplace_back(
          ErrorCode::kubeconfig, "target " + name + ": no context matches \"" + pattern + "\" now",
          state.contexts.in_kubeconfig() ? "see kubectl config get-contexts" : "see " + state.contexts.source());
    }
  }
}

void add_pause_notes(const EngineState& state, const std::set<std::string>& targets,
                     const std::set<std::string>& contexts, std::vector<Error>& notes) {
  for (const auto& name : targets) {
    if (const Target* target = find_target(state, name); target != nullptr && target->paused) {
      notes.emplace_back(ErrorCode::cancelled, "target " + name + " is paused", "to go on: regsync resume " + name);
    }
  }
  for (const auto& context : contexts) {
    if (state.paused.is_in_doubt(context)) {
      notes.emplace_back(
          ErrorCode::cancelled,
          "context " + context + " waits until it is known whether it is a paused one under another name",
          "see that it can be reached; or end the pause of the other name: regsync resume --context " +
              shell_word(*state.paused.names().begin()));
    } else if (state.paused.contains(context) && !state.paused.problem()) {
      notes.emplace_back(ErrorCode::cancelled, "context " + context + " is paused",
                         "to go on: regsync resume --context " + shell_word(context));
    }
  }
}

// Notes where a target without namespaces stays although the context's current namespace has changed.
void add_namespace_notes(const EngineState& state, const std::string& name, std::vector<Error>& notes) {
  const Target* target = find_target(state, name);
  if (target == nullptr || !uses_own_namespace(*target)) {
    return;
  }
  for (const auto& context : state.contexts.names()) {
    const auto cluster = state.contexts.find(context);
    if (!cluster || !state.contexts.selects(*target, context)) {
      continue;
    }
    const auto& current = cluster->context().default_namespace;
    const auto own = state.footprints.own_namespace(name, context);
    if (own && *own != current) {
      notes.emplace_back(ErrorCode::kubeconfig,
                         "target " + name + " stays in namespace " + *own + " of context " + context +
                             ", whose current namespace is " + current + " now",
                         "to move it, write namespaces: [" + current + "] in its file");
    }
  }
}

// The names of Secrets that a target's rows depend on, other than the one that it wants in the context.
std::set<std::string> leftovers_of(const EngineState& state, const std::string& name, const std::string& context,
                                   const std::vector<StatusRow>& rows) {
  std::set<std::string> secrets;
  for (const StatusRow& row : rows) {
    secrets.insert(row.secret);
  }
  if (const Footprint* footprint = state.footprints.find(name)) {
    if (const auto places = footprint->contexts.find(context); places != footprint->contexts.end()) {
      for (const auto& [secret, scope] : places->second.secrets) {
        secrets.insert(secret);
      }
    }
  }
  const auto wanted = state.intent.wanted().find(name);
  if (wanted != state.intent.wanted().end()) {
    if (const auto meant = wanted->second.find(context); meant != wanted->second.end()) {
      secrets.erase(meant->second.declared->secret);
    }
  }
  return secrets;
}

// Nothing if the context has neither a cluster nor a known problem.
std::optional<ContextStatus> context_status(const EngineState& state, const std::string& name) {
  const auto cluster = state.contexts.find(name);
  const auto problem = state.contexts.problems().find(name);
  const bool has_problem = problem != state.contexts.problems().end();
  if (!cluster && !has_problem) {
    return std::nullopt;
  }
  ContextStatus context;
  context.name = name;
  if (cluster) {
    context = cluster->status();
  }
  if (has_problem && !context.problem && (!cluster || state.contexts.contains(name))) {
    context.problem = problem->second;  // its last good definition is in force
  }
  context.paused = state.paused.contains(name);
  return context;
}

}  // namespace

Error context_held(const std::string& context, const ContextBook& book) {
  if (book.is_unsure(context)) {
    return {
        ErrorCode::kubeconfig,
        "context " + context +
            " may lead to another cluster than before, as its namespace kube-system, which tells that, cannot be "
            "read; and a target pins it: nothing is written there",
        "grant `get` on that namespace (`regsync rbac` prints it for a target that pins), then: regsync sync; or, if "
        "it is the right cluster: regsync trust-context " +
            shell_word(context)};
  }
  return {ErrorCode::kubeconfig,
          "context " + context +
              " leads, or may lead, to another cluster than before, and a target pins it: nothing is written there",
          "if that is as it should be: regsync trust-context " + shell_word(context)};
}

StatusCounts::Rows rows_of(const EngineState& state, const std::string& target, const std::string& context) {
  StatusCounts::Rows rows;
  add_rows(state, target, context, rows.rows);
  show_pauses(state, target, rows.rows);
  std::ranges::stable_sort(rows.rows, {}, &StatusRow::name_space);
  rows.leftovers = leftovers_of(state, target, context, rows.rows);
  return rows;
}

void visit_contexts(const EngineState& state, const VisitContext& visit) {
  for (const auto& name : names_of(state)) {
    if (!is_removed(state, name)) {
      for (const auto& context : contexts_of(state, name)) {
        visit(name, context);
      }
    }
  }
}

void add_state(const EngineState& state, const std::map<RegistryKey, LoginEnd>& login_ends, WallTime now,
               const std::vector<std::string>& only, StatusReport& report, const VisitContext& visit) {
  const auto is_asked = [&](const std::string& name) {
    return only.empty() || std::ranges::find(only, name) != only.end();
  };
  std::set<std::string> names = names_of(state);
  std::set<std::string> contexts;
  std::set<std::string> gone;
  std::erase_if(names, [&](const auto& name) { return !is_asked(name); });
  for (const auto& name : names) {
    const auto own_contexts = contexts_of(state, name);
    if (!is_removed(state, name)) {
      report.targets.push_back(target_status(state, login_ends, name));
      for (const auto& context : own_contexts) {
        visit(name, context);
      }
    }
    add_pattern_notes(state, name, report.notes);
    add_namespace_notes(state, name, report.notes);
    for (const auto& context : own_contexts) {
      if (!is_former(state, name, context)) {
        (is_gone(state, name, context) ? gone : contexts).insert(context);
      }
    }
  }
  add_gone_note(gone, state.contexts.place(), report.notes);
  add_context_notes(state, now, contexts, report.notes);
  add_pause_notes(state, names, contexts, report.notes);
  if (const auto& problem = state.book.problem()) {
    report.notes.push_back(*problem);
  }
  for (const auto& [name, problem] : state.unreadable_footprints) {
    if (is_asked(name) && !state.footprints.held(name)) {
      report.notes.push_back(problem);
    }
  }
  for (const auto& name : contexts) {
    if (auto context = context_status(state, name)) {
      report.contexts.push_back(std::move(*context));
    }
  }
}

}  // namespace regsync
