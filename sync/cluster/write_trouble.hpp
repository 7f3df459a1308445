// Errors that tell a person what keeps a Secret or a ServiceAccount from being as it should be. Any thread; pure but
// for the path of a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/key.hpp"
#include "sync/model/owner.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync {

// Whether only a person, or an event, can help: trying again soon would fail again.
bool needs_help(ErrorCode code);
// Whether a write that failed like this may have been done all the same: its answer was lost.
bool may_be_done(ErrorCode code);

// secret: as it was seen last, null where it is gone. What another regsync with the id of this owner wrote names it.
Error fight_over_secret(const Key& key, const SecretView* secret, const Owner& owner);
Error fight_over_deletion(const Key& key, const SecretView* secret, const Owner& owner);
Error fight_over_labels(const Key& key);
// accounts: not empty.
Error fight_over_accounts(const Key& key, const std::vector<std::string>& accounts);
// names: not empty.
Error accounts_missing(const Key& key, const std::vector<std::string>& names);
// An account that was told to name the Secret, and does not.
Error account_changed_on_the_way(const Key& key, const std::string& account);
// What the cluster made of a write of this plan: nothing, if `answer` is what was meant.
std::optional<Error> secret_changed_on_the_way(const Key& key, const SecretView& answer, const Plan& plan,
                                               const Payload& payload);

// What stays of a target that was removed, because it does not count as regsync's.
Error left_alone_error(const Key& key, const SecretView& secret, const std::string& context);

}  // namespace regsync
