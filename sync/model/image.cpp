#include "sync/model/image.hpp"

#include <algorithm>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/model/authority.hpp"

namespace regsync {
namespace {

bool is_host(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos ||
         std::ranges::any_of(part, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_repository(std::string_view text) {
  return !text.empty() && text.front() != '/' && text.back() != '/' && text.find("//") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
         });
}

bool is_reference(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == ':' || c == '+';
  });
}

}  // namespace

Image parse_image(std::string_view text) {
  std::string_view rest = text;
  Image image{"docker.io", "", "latest"};
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos && is_host(rest.substr(0, slash))) {
    image.host = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
  }
  const auto at = rest.find('@');
  std::string_view name = rest.substr(0, at);
  if (const auto colon = name.rfind(':'); colon != std::string_view::npos) {
    image.reference = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  if (at != std::string_view::npos) {
    image.reference = rest.substr(at + 1);  // a digest takes precedence over a tag
  }
  image.repository = name;
  if (image.host == "index.docker.io") {
    image.host = "docker.io";
  }
  if (image.host == "docker.io" && name.find('/') == std::string_view::npos && !name.empty()) {
    image.repository.insert(0, "library/");
  }
  if (!parse_authority(image.host) || !is_repository(image.repository) || !is_reference(image.reference)) {
    throw Error(ErrorCode::invalid_input, in_quotes(text) + " is not an image",
                "write for example ghcr.io/acme/app:1.2");
  }
  return image;
}

}  // namespace regsync
