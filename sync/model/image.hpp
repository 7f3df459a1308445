// Image names as container runtimes read them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

struct Image {
  std::string host;        // "ghcr.io", "docker.io", "127.0.0.1:5000"
  std::string repository;  // "acme/app", "library/nginx"
  std::string reference;   // tag or digest; "latest" if none was given

  // The name that kubelet looks credentials up for: "docker.io/library/nginx".
  [[nodiscard]] std::string name() const { return host + "/" + repository; }
};

// Parses "nginx", "acme/app:1", "ghcr.io/acme/app@sha256:…" (distribution/reference ParseNormalizedNamed). Throws
// Error(invalid_input).
Image parse_image(std::string_view text);

}  // namespace regsync
