#include "sync/model/pull_cause.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"

namespace regsync {
namespace {

using nlohmann::json;

constexpr std::string_view config_json_type = "kubernetes.io/dockerconfigjson";
constexpr std::string_view config_type = "kubernetes.io/dockercfg";

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::string secrets_text(const std::vector<std::string>& names) {
  return (names.size() == 1 ? "Secret " : "Secrets ") + listed(names);
}

const char* is_or_are(const std::vector<std::string>& names) { return names.size() == 1 ? " is" : " are"; }

bool any_is(const std::vector<PullTrial>& trials, PullVerdict verdict) {
  return std::ranges::any_of(trials, [&](const PullTrial& trial) { return trial.answer.verdict == verdict; });
}

// The missing Secrets of a pod, to be added to another cause: they may be the underlying reason.
std::string also_missing(const PullLookup& lookup) {
  return lookup.missing.empty() ? "" : "; " + secrets_text(lookup.missing) + is_or_are(lookup.missing) + " not there";
}

std::string who(const KubeletEntry& entry) {
  return (entry.username.empty() ? "the login" : "the login of " + presentable(entry.username)) + " in Secret " +
         entry.secret;
}

// The finding that no entry matches: names one that nearly does, or the existing ones.
PullFinding no_match(const Image& image, const PullLookup& lookup) {
  PullFinding finding{PullCause::no_matching_entry, {}, {}, {}};
  std::string near;
  std::vector<std::string> keys;
  for (const KubeletEntry& entry : lookup.entries) {
    keys.push_back(presentable(entry.key) + " (Secret " + entry.secret + ")");
    const std::string why = near_miss(entry, image.name());
    if (why.empty()) {
      finding.other_hosts.push_back(entry.key);
    } else if (near.empty()) {
      near = "; the entry " + presentable(entry.key) + " of Secret " + entry.secret + " " + presentable(why);
      finding.secret = entry.secret;
    }
  }
  if (finding.secret.empty() && !lookup.entries.empty()) {
    finding.secret = lookup.entries.front().secret;
  }
  finding.message = "no entry of the pod's Secrets is for " + image.name() +
                    (!near.empty()  ? near
                     : keys.empty() ? "; they have no entries"
                                    : "; they are for " + listed(keys));
  return finding;
}

bool nearly_matches(const Image& image, const PullLookup& lookup) {
  return std::ranges::any_of(lookup.entries,
                             [&](const KubeletEntry& entry) { return !near_miss(entry, image.name()).empty(); });
}

PullFinding unreadable(const PullLookup& lookup, const std::string& more) {
  return {PullCause::secret_unreadable,
          secrets_text(lookup.unreadable) + " cannot be read with your rights" + more,
          lookup.unreadable.front(),
          {}};
}

PullFinding by_account(const Pod& pod, const Image& image, const std::vector<PullSecret>& account_secrets) {
  const PullLookup now = look_up(account_secrets, image);
  if (!now.offered.empty()) {
    const std::string& secret = now.offered.front()->secret;
    return {PullCause::older_than_account,
            "the pod has no imagePullSecrets and is older than the entry " + secret + " of its ServiceAccount " +
                pod.service_account + ": a pod gets the imagePullSecrets of its ServiceAccount only when it is created",
            secret,
            {}};
  }
  return {PullCause::no_pull_secret,
          "the pod has no imagePullSecrets, and its ServiceAccount " + pod.service_account +
              (account_secrets.empty() ? " has none either" : " has none for " + image.host) + also_missing(now),
          {},
          {}};
}

// Kubelet pulled without a login, and the registry requires one.
PullFinding without_login(const Pod& pod, const Image& image, const PullLookup& lookup,
                          const std::vector<PullSecret>& account_secrets) {
  if (pod.pull_secrets.empty()) {
    return by_account(pod, image, account_secrets);
  }
  if (!lookup.missing.empty()) {
    return {PullCause::secret_missing,
            "the pod names " + secrets_text(lookup.missing) + ", which" + is_or_are(lookup.missing) + " not in " +
                pod.name_space,
            lookup.missing.front(),
            {}};
  }
  if (!lookup.wrong_type.empty()) {
    const std::string& first = lookup.wrong_type.front();
    return {PullCause::secret_wrong_type,
            "kubelet ignores " + secrets_text(lookup.wrong_type) + ": a pull secret has the type " +
                std::string(config_json_type),
            first.substr(0, first.find(' ')),
            {}};
  }
  if (!lookup.unreadable.empty()) {
    return unreadable(lookup, "");
  }
  return no_match(image, lookup);
}

// Whether the Secrets have a defect regardless of the registry's answer.
bool is_defect(const Pod& pod, const Image& image, const PullLookup& lookup,
               const std::vector<PullSecret>& account_secrets) {
  if (pod.pull_secrets.empty()) {
    return !look_up(account_secrets, image).offered.empty();
  }
  return !lookup.missing.empty() || !lookup.wrong_type.empty() || nearly_matches(image, lookup);
}

}  // namespace

std::string_view to_string(PullCause cause) {
  switch (cause) {
    case PullCause::no_pull_secret:
      return "NoPullSecret";
    case PullCause::older_than_account:
      return "OlderThanServiceAccount";
    case PullCause::secret_missing:
      return "SecretMissing";
    case PullCause::secret_unreadable:
      return "SecretUnreadable";
    case PullCause::secret_wrong_type:
      return "SecretWrongType";
    case PullCause::secret_malformed:
      return "SecretMalformed";
    case PullCause::no_matching_entry:
      return "NoMatchingEntry";
    case PullCause::login_denied:
      return "LoginDenied";
    case PullCause::image_denied:
      return "ImageDenied";
    case PullCause::no_such_image:
      return "NoSuchImage";
    case PullCause::registry_unreachable:
      return "RegistryUnreachable";
    case PullCause::never_pulled:
      return "NeverPulled";
    case PullCause::invalid_image:
      return "InvalidImage";
    case PullCause::pullable:
      return "Pullable";
    case PullCause::other:
      break;
  }
  return "Other";
}

PullSecret read_pull_secret(std::string name, const json& object) {
  PullSecret secret{std::move(name), PullSecret::State::present, std::string(text_at(object, {"type"})), {}};
  const std::string_view key = secret.type == config_json_type ? ".dockerconfigjson" : ".dockercfg";
  secret.content = base64_decode(text_at(object, {"data", key})).value_or("");
  return secret;
}

bool is_pull_secret(const PullSecret& secret) { return secret.type == config_json_type || secret.type == config_type; }

std::vector<KubeletEntry> entries_of(const PullSecret& secret) {
  if (secret.content.empty()) {
    return {};
  }
  std::vector<KubeletEntry> entries =
      read_for_kubelet(secret.content, secret.type == config_json_type ? PullSecretFormat::dockerconfigjson
                                                                       : PullSecretFormat::dockercfg);
  for (KubeletEntry& entry : entries) {
    entry.secret = secret.name;
  }
  return entries;
}

PullLookup look_up(const std::vector<PullSecret>& secrets, const Image& image) {
  PullLookup lookup;
  for (const PullSecret& secret : secrets) {
    if (secret.state == PullSecret::State::missing) {
      lookup.missing.push_back(secret.name);
    } else if (secret.state == PullSecret::State::unreadable) {
      lookup.unreadable.push_back(secret.name);
    } else if (!is_pull_secret(secret)) {
      lookup.wrong_type.push_back(secret.name + " (" + presentable(secret.type) + ")");
    } else {
      try {
        std::ranges::move(entries_of(secret), std::back_inserter(lookup.entries));
      } catch (const Error& error) {
        lookup.malformed = secret.name;
        lookup.malformed_why = error.message();
      }
    }
  }
  lookup.offered = entries_for(lookup.entries, image.name());
  return lookup;
}

std::optional<PullFinding> conclude_early(const PullFailure& failure, const PullLookup& lookup) {
  if (failure.reason == "ErrImageNeverPull") {
    return PullFinding{
        PullCause::never_pulled, "the image is not on the node, and imagePullPolicy: Never forbids pulling it", {}, {}};
  }
  if (failure.reason == "ImageInspectError" || failure.reason == "SignatureValidationFailed") {
    return PullFinding{PullCause::other, "the node says: " + presentable(failure.message), {}, {}};
  }
  if (!lookup.malformed.empty()) {
    return PullFinding{PullCause::secret_malformed,
                       "Secret " + lookup.malformed +
                           " is malformed, so kubelet uses none of the pod's: " + presentable(lookup.malformed_why),
                       lookup.malformed,
                       {}};
  }
  return std::nullopt;
}

PullFinding conclude(const Pod& pod, const PullFailure& failure, const Image& image, const PullLookup& lookup,
                     const std::vector<PullSecret>& account_secrets, const std::vector<PullTrial>& trials) {
  if (auto early = conclude_early(failure, lookup)) {
    return *early;
  }
  const std::string name =
      image.name() + (image.reference.find(':') == std::string::npos ? ":" : "@") + image.reference;
  const auto trial_of = [&](PullVerdict verdict) {
    return std::ranges::find(trials, verdict, [](const PullTrial& trial) { return trial.answer.verdict; }) -
           trials.begin();
  };
  const auto login_of = [&](std::ptrdiff_t index) {
    return lookup.offered.empty() ? std::string("everybody") : who(*lookup.offered[static_cast<std::size_t>(index)]);
  };
  if (any_is(trials, PullVerdict::can_pull)) {
    if (lookup.offered.empty() && !lookup.unreadable.empty()) {
      return unreadable(lookup, ": everybody can pull this image, so a login in " +
                                    std::string(lookup.unreadable.size() == 1 ? "it" : "them") + " may be refused");
    }
    return {PullCause::pullable,
            "from here, " + login_of(trial_of(PullVerdict::can_pull)) +
                " can pull this image: the node tries again within five minutes, or its network differs",
            {},
            {}};
  }
  if (any_is(trials, PullVerdict::no_such_image)) {
    const auto& detail = trials[static_cast<std::size_t>(trial_of(PullVerdict::no_such_image))].answer.detail;
    return {PullCause::no_such_image, "there is no " + name + ": " + presentable(detail), {}, {}};
  }
  const bool denied = any_is(trials, PullVerdict::denied);
  if (lookup.offered.empty() && (denied || is_defect(pod, image, lookup, account_secrets))) {
    return without_login(pod, image, lookup, account_secrets);
  }
  if (denied) {
    const auto first = std::ranges::find_if(
        trials, [](const PullTrial& trial) { return trial.login_good && trial.answer.verdict == PullVerdict::denied; });
    const bool good = first != trials.end();
    const auto index = good ? first - trials.begin() : trial_of(PullVerdict::denied);
    const KubeletEntry& entry = *lookup.offered[static_cast<std::size_t>(index)];
    const std::string& detail = trials[static_cast<std::size_t>(index)].answer.detail;
    return {good ? PullCause::image_denied : PullCause::login_denied,
            image.host + (good ? " takes " + who(entry) + ", which may not pull " + name : " refuses " + who(entry)) +
                ": " + presentable(detail) + also_missing(lookup),
            entry.secret,
            {}};
  }
  if (!trials.empty()) {
    return {PullCause::registry_unreachable,
            image.host + " cannot be reached from here (a node's network may differ): " +
                presentable(trials.front().answer.detail) + also_missing(lookup),
            {},
            {}};
  }
  return {PullCause::other, "the node says: " + presentable(failure.message), {}, {}};
}

}  // namespace regsync
