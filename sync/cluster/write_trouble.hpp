// Errors that tell the user why a Secret or a ServiceAccount is not as it should be. Any thread; pure except for
// reading the path of a file.
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

// Whether only a person or an event can help: an early retry would fail again.
bool needs_help(ErrorCode code);
// Whether a write that failed like this may have succeeded: its answer was lost.
bool may_be_done(ErrorCode code);

// secret: as last seen; null if it is gone. Names the other regsync if it writes with this owner's id.
Error fight_over_secret(const Key& key, const SecretView* secret, const Owner& owner);
Error fight_over_deletion(const Key& key, const SecretView* secret, const Owner& owner);
Error fight_over_labels(const Key& key);
// accounts must not be empty.
Error fight_over_accounts(const Key& key, const std::vector<std::string>& accounts);
// names must not be empty.
Error accounts_missing(const Key& key, const std::vector<std::string>& names);
// The account was patched to list the Secret, and does not.
Error account_changed_on_the_way(const Key& key, const std::string& account);
// How the cluster altered a write of this plan; nothing if `answer` is as written.
std::optional<Error> secret_changed_on_the_way(const Key& key, const SecretView& answer, const Plan& plan,
                                               const Payload& payload);

// A Secret that a removed target leaves behind because it does not count as regsync's.
Error left_alone_error(const Key& key, const SecretView& secret, const std::string& context);

}  // namespace regsync
