// What is fuzzed besides the Kubernetes client and the helper's protocol: files of people, payloads and objects of
// others, messages on the control socket, headers of registries. A target returns, or throws what is not an Error: that
// is a bug. Shared by the libFuzzer programs and the test that replays the corpus.
#pragma once

#include <string_view>

namespace regsync::fuzz {

void target_file(std::string_view bytes);
void settings_file(std::string_view bytes);
void docker_config(std::string_view bytes);
void pull_secret(std::string_view bytes);      // the payload of a Secret
void secret_object(std::string_view bytes);    // a Secret, and a ServiceAccount, of an API server
void control_message(std::string_view bytes);  // between regsync and regsyncd
void helper_answer(std::string_view bytes);    // the output of another credential helper
void challenge(std::string_view bytes);        // a WWW-Authenticate header
void names(std::string_view bytes);            // selectors and image references

}  // namespace regsync::fuzz
