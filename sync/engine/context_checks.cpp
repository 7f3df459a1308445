#include "sync/engine/context_checks.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/shell_word.hpp"
#include "sync/base/suggest.hpp"

namespace regsync {

std::vector<std::string> contexts_that_are_gone(const std::vector<std::string>& contexts,
                                                const std::map<std::string, Footprint>& footprints) {
  const std::set<std::string_view> present(contexts.begin(), contexts.end());
  std::set<std::string> gone;
  for (const auto& [target, footprint] : footprints) {
    for (const auto& [context, places] : footprint.contexts) {
      if (!present.contains(context)) {
        gone.insert(context);
      }
    }
  }
  return {gone.begin(), gone.end()};
}

void require_forgettable(const std::string& context, const std::vector<std::string>& contexts, bool in_kubeconfig,
                         const std::vector<std::string>& gone) {
  if (std::ranges::binary_search(gone, context)) {
    return;
  }
  if (std::ranges::find(contexts, context) != contexts.end()) {
    const std::string what_to_do = "to stop syncing to it, take it out of the targets, or ";
    throw in_kubeconfig
        ? Error(ErrorCode::invalid_input, "context " + context + " is in the kubeconfig",
                what_to_do + "of the kubeconfig: kubectl config delete-context " + shell_word(context))
        : Error(ErrorCode::invalid_input, "context " + context + " is in the fleet",
                what_to_do + "take the label that regsyncd --clusters selects off its Secret in the hub");
  }
  throw Error(ErrorCode::not_found, "no target has anything in a context \"" + context + "\" that is gone",
              gone.empty() ? "see: regsync status" : did_you_mean(context, gone));
}

std::vector<std::string> forgettable_contexts(const std::string& pattern, const std::vector<std::string>& contexts,
                                              bool in_kubeconfig, const std::map<std::string, Footprint>& footprints) {
  std::vector<std::string> matching = contexts_that_are_gone(contexts, footprints);
  if (!is_glob(pattern) || std::ranges::binary_search(matching, pattern)) {
    require_forgettable(pattern, contexts, in_kubeconfig, matching);
    return {pattern};
  }
  std::erase_if(matching, [&](const std::string& context) { return !glob_match(pattern, context); });
  if (matching.empty()) {
    throw Error(ErrorCode::not_found,
                "no target has anything in a context that is gone and matches \"" + pattern + "\"",
                "see: regsync status");
  }
  return matching;
}

bool names_absent_context(const Target& target, const std::string& context, const ContextBook& book,
                          const std::function<bool(const std::string&)>& is_there) {
  return std::ranges::any_of(target.contexts, [&](const std::string& name) {
    return !is_glob(name) && name != context && !is_there(name) && book.same(context, name) != Same::no;
  });
}

std::set<std::string> names_in_footprints(const std::string& context, const ContextBook& book,
                                          const std::function<bool(const std::string&)>& is_there) {
  std::set<std::string> names = book.peers(context);
  std::erase_if(names, is_there);
  names.insert(context);
  return names;
}

bool is_used(const std::string& context, bool is_selected, const std::map<std::string, Footprint>& footprints) {
  return is_selected ||
         std::ranges::any_of(footprints, [&](const auto& item) { return item.second.contexts.contains(context); });
}

void require_met(const std::string& context, const ContextBook& book) {
  if (book.find(context) != nullptr) {
    return;
  }
  std::vector<std::string> known;
  for (const auto& [name, cluster] : book.all()) {
    known.push_back(name);
  }
  throw Error(ErrorCode::not_found, "no target uses a context \"" + context + "\"",
              known.empty() ? "see: regsync status" : did_you_mean(context, known));
}

}  // namespace regsync
