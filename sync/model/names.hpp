// The names that Kubernetes allows (apimachinery util/validation). A name from a server goes into messages, paths and
// requests, so one that no API server would accept is dropped on arrival. Pure; any thread.
#pragma once

#include <string_view>

namespace regsync {

// RFC 1123 label: a namespace, a target.
bool is_label_name(std::string_view text);

// RFC 1123 subdomain: a Secret, a ServiceAccount.
bool is_object_name(std::string_view text);

// What a server may say as metadata.uid: a UUID in Kubernetes, and letters, digits, ".", "_" and "-" wherever else it
// is made. It is written to files and shown, so it is short.
bool is_uid(std::string_view text);

}  // namespace regsync
