// Asks a registry whether a login may pull, as a container runtime does before a pull: the OCI distribution protocol
// with Docker's token or basic authentication (distribution, docs/spec/auth/token.md; RFC 7617).
//
// Nothing is downloaded: the manifest is only asked for with HEAD.
//
// Where a login goes: to the registry itself, and to the token server that the registry names, on whatever host that
// is. docker and containerd do the same, because Docker Hub and others keep their token server on another host; the
// answer's note tells it where the two have no domain in common. Only over https, except from a registry on this
// machine's loopback to a token server there. No redirect is followed with a login, so it never reaches a host that a
// redirect names. The certificates are those of registry_certificates.hpp.
//
// The first request carries no login. Only where one was sent is it called denied, and only by what is no page of a
// proxy or a web server; it is good only where the registry asked for it.
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

// That of a store.
RegistryLogin login_of(const Credential& credential);

// Whether the login may pull the image.
asio::awaitable<PullAnswer> try_pull(Image image, RegistryLogin login);

// Whether the registry of `host` takes the login at all (docker login's own question). A registry that asks for no
// login does not say: that is `unreachable`.
asio::awaitable<PullAnswer> try_login(std::string host, RegistryLogin login);

}  // namespace regsync
