// The fuzz targets besides the Kubernetes client and the helper's protocol: files of people, payloads and objects of
// others, messages on the control socket, headers of registries. A target returns, or throws what is not an Error: that
// is a bug. Shared by the libFuzzer programs and the test that replays the corpus.
#pragma once

#include <string_view>

namespace regsync::fuzz {

void target_file(std::string_view bytes);
void settings_file(std::string_view bytes);
void docker_config(std::string_view bytes);
void pull_secret(std::string_view bytes);      // the payload of a Secret
void secret_object(std::string_view bytes);    // a Secret, ServiceAccount, Namespace or Pod of an API server
void control_message(std::string_view bytes);  // between regsync and regsyncd
void helper_answer(std::string_view bytes);    // the output of another credential helper
void challenge(std::string_view bytes);        // a WWW-Authenticate header, and the realm in it
void token_answer(std::string_view bytes);     // of a registry's token server
void names(std::string_view bytes);            // selectors and image references

// A file of the state folder, as an earlier version, another program or a torn write left it. The first byte chooses
// which.
void state_file(std::string_view bytes);

// A Lease of a hub, in its list and as the answer to every write; the first byte says what the replica wants.
void lease(std::string_view bytes);
// The `data` of a ConfigMap with a footprint.
void footprint_config_map(std::string_view bytes);

}  // namespace regsync::fuzz
