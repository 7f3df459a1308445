// The Docker credential helper protocol: runs one action on a store, over an input and an output stream.
//
// Texts, streams and exit codes are those of docker-credential-helpers (credentials/credentials.go), which clients
// match literally: answers *and errors* go to `out`, and the not-found text is fixed. Where the reference is silent:
// input over 1 MiB, NUL, invalid UTF-8 and an empty secret are refused with a reason; erasing a login that does not
// exist succeeds (skopeo and podman treat a failure as fatal); a locked store is an error, never "not found".
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string_view>

#include "helper/store/credential_store.hpp"

namespace regsync {

inline constexpr std::size_t max_helper_input = std::size_t{1} << 20U;

// Runs "store", "get", "erase", "list" or "version" (or "--version", "--help"), and returns the exit code: 0, or 1 with
// the reason on `out`. Reads `in` for store, get and erase only. Does not throw.
int run_helper(std::string_view action, std::istream& in, std::ostream& out, CredentialStore& store);

}  // namespace regsync
