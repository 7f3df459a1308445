// Validates names by Kubernetes' rules (apimachinery util/validation). A name from a server goes into messages, paths
// and requests, so one that no API server would accept is dropped on arrival. Pure; any thread.
#pragma once

#include <string_view>

namespace regsync {

// RFC 1123 label: a namespace, a target.
bool is_label_name(std::string_view text);

// RFC 1123 subdomain: a Secret, a ServiceAccount.
bool is_object_name(std::string_view text);

// Whether a text can be metadata.uid: a UUID in Kubernetes; other servers may use letters, digits, ".", "_" and "-". It
// is written to files and displayed, so it must be short.
bool is_uid(std::string_view text);

}  // namespace regsync
