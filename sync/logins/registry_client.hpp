// Asks a registry whether a login may pull, as a container runtime does before a pull: the OCI distribution protocol
// with Docker's token or basic authentication (distribution, docs/spec/auth/token.md; RFC 7617).
//
// Downloads nothing: requests the manifest with HEAD only.
//
// A login is sent to the registry itself, and to the token server that the registry names, on whatever host. docker and
// containerd do the same, because Docker Hub and others have their token server on another host; if the two share no
// domain, the answer's note says so. Only over https, except from a registry on this machine's loopback to a token
// server there. No redirect is followed with a login, so it never reaches a host that a redirect names. For the
// certificates, see registry_certificates.hpp.
//
// The first request carries no login. A login is denied only if it was sent, and only by an answer that is not a page
// of a proxy or a web server; it is good only if the registry asked for it.
//
// Lives on the event loop of the executor.
#pragma once

#include <asio/awaitable.hpp>
#include <string>

#include "helper/base/secret_string.hpp"
#include "helper/store/credential.hpp"
#include "sync/model/image.hpp"
#include "sync/model/pull_answer.hpp"

namespace regsync {

// A login to try; an empty user name is anonymous.
struct RegistryLogin {
  std::string username;
  SecretString password;
};

// The login of a credential from a store.
RegistryLogin login_of(const Credential& credential);

// Whether the login may pull the image.
asio::awaitable<PullAnswer> try_pull(Image image, RegistryLogin login);

// Whether the registry of `host` accepts the login at all (what docker login checks). A registry that asks for no login
// does not tell: that is `unreachable`.
asio::awaitable<PullAnswer> try_login(std::string host, RegistryLogin login);

}  // namespace regsync
