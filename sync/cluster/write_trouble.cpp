#include "sync/cluster/write_trouble.hpp"

#include "helper/base/text.hpp"
#include "sync/base/paths.hpp"

namespace regsync {

namespace {

const char* const find_mutating_policy =
    "find the policy: kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies; then exempt what regsync "
    "writes from it";

std::string find_writer(const std::string& name_space, const std::string& kind, const std::string& name) {
  return "find who: kubectl -n " + name_space + " get " + kind + " " + name +
         " --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'";
}

// The last writer of the Secret if it has our owner id and is not this process: the id came with a copied home folder
// or a cloned machine, or was given to two fleets. Empty: nobody.
std::string twin_of(const SecretView* secret, const Owner& owner) {
  const bool is_ours = secret != nullptr && secret->ownership == Ownership::ours;
  return is_ours && secret->holder != owner.holder() ? presentable(secret->holder) : "";
}

Error fight(const Key& key, const std::string& what, const std::string& twin) {
  if (twin.empty()) {
    return {ErrorCode::field_conflict, subject_of(key) + what + "somebody else",
            find_writer(key.name_space, "secret", key.secret)};
  }
  return {ErrorCode::field_conflict,
          subject_of(key) + what + "somebody else, and bears the name of regsync of " + twin +
              ": that has the same owner id, or a copy of its Secret is put back",
          find_writer(key.name_space, "secret", key.secret) +
              ". If a second regsyncd runs there, give it an id of its own: remove the file " +
              paths::owner().string() +
              " on that machine, and restart regsyncd. Who shares a name on purpose (--owner, $REGSYNC_OWNER, "
              "`owner:`) needs the same targets and logins, and as a replica the same --lease"};
}

}  // namespace

bool needs_help(ErrorCode code) {
  switch (code) {
    case ErrorCode::forbidden:
    case ErrorCode::namespace_missing:
    case ErrorCode::namespace_terminating:
    case ErrorCode::field_conflict:
    case ErrorCode::immutable:
    case ErrorCode::rejected:
    case ErrorCode::not_owned:
    case ErrorCode::not_found:
    case ErrorCode::service_account_missing:
      return true;
    default:
      return false;
  }
}

bool may_be_done(ErrorCode code) {
  switch (code) {
    case ErrorCode::unreachable:
    case ErrorCode::timeout:
    case ErrorCode::server_error:
    case ErrorCode::protocol:
      return true;
    default:
      return false;
  }
}

Error fight_over_secret(const Key& key, const SecretView* secret, const Owner& owner) {
  return fight(key, " is changed again and again by ", twin_of(secret, owner));
}

Error fight_over_deletion(const Key& key, const SecretView* secret, const Owner& owner) {
  return fight(key, " is deleted, because no target wants it, and made again and again by ", twin_of(secret, owner));
}

Error fight_over_labels(const Key& key) {
  return {ErrorCode::field_conflict,
          subject_of(key) + " is deleted and made again and again, because namespace " + key.name_space +
              " gains and loses labels that the target selects",
          "find who: kubectl get namespace " + key.name_space +
              " --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'"};
}

Error fight_over_accounts(const Key& key, const std::vector<std::string>& accounts) {
  const auto& account = accounts.front();
  return {ErrorCode::field_conflict,
          "ServiceAccount " + key.name_space + "/" + account +
              " is changed again and again by somebody else: its imagePullSecrets lose or regain " + key.secret,
          find_writer(key.name_space, "serviceaccount", account)};
}

Error accounts_missing(const Key& key, const std::vector<std::string>& names) {
  const bool one = names.size() == 1;
  return {ErrorCode::service_account_missing,
          std::string(one ? "ServiceAccount " : "ServiceAccounts ") + join(names) + (one ? " does" : " do") +
              " not exist in namespace " + key.name_space,
          "create it, and the Secret is attached: kubectl -n " + key.name_space + " create serviceaccount " +
              names.front() + "; or take it out of `serviceAccounts:` of the target"};
}

Error account_changed_on_the_way(const Key& key, const std::string& account) {
  return {ErrorCode::rejected,
          "ServiceAccount " + key.name_space + "/" + account + " was written, but the cluster took " + key.secret +
              " out of its imagePullSecrets again: a mutating admission policy does that",
          std::string(find_mutating_policy) + ", or take it out of `serviceAccounts:` of the target"};
}

std::optional<Error> secret_changed_on_the_way(const Key& key, const SecretView& answer, const Plan& plan,
                                               const Payload& payload) {
  std::string what;
  if (answer.digest != payload.digest()) {
    what = ".data";
  } else if (answer.ownership == Ownership::relabelled) {
    what = "the label " + std::string(managed_by_label) + " (now \"" + answer.holder + "\")";
  } else if (answer.ownership != Ownership::ours || answer.target != plan.target.name) {
    what = "its labels or annotations";
  } else {
    return std::nullopt;
  }
  return Error(ErrorCode::rejected,
               subject_of(key) + " was written, but the cluster changed " + what +
                   " on the way: a mutating admission policy does that",
               find_mutating_policy);
}

Error left_alone_error(const Key& key, const SecretView& secret, const std::string& context) {
  const std::string subject = subject_of(key) + " in context " + context;
  if (secret.ownership == Ownership::unmanaged && !is_unmarked(secret)) {
    return {ErrorCode::not_owned, subject + " was not made by regsync, and stays"};
  }
  if (secret.ownership == Ownership::other_owner) {
    return {ErrorCode::not_owned, subject + " stays: another regsync keeps it, " + secret.holder};
  }
  std::string why;
  if (secret.ownership == Ownership::relabelled) {
    why = "it was written by regsync, but its label " + std::string(managed_by_label) + " is " +
          (secret.holder.empty() ? "gone" : "now \"" + secret.holder + "\"") + ", so it counts as somebody else's";
  } else if (is_unmarked(secret)) {
    why = "it was written by regsync, but its label or its annotations are gone, so it counts as nobody's";
  } else if (secret.ownership == Ownership::copy) {
    why = "it is a copy of " + secret.holder + ", made by somebody else";
  }
  return {ErrorCode::not_owned, subject + " stays, with the password in it: " + why,
          "if nothing needs it: kubectl -n " + key.name_space + " delete secret " + key.secret};
}

}  // namespace regsync
