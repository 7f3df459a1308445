#include "sync/logins/registry_client.hpp"

#include <algorithm>
#include <asio/this_coro.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/percent_encoding.hpp"
#include "sync/kube/http/http_client.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/kube/http/url.hpp"
#include "sync/logins/registry_certificates.hpp"
#include "sync/logins/registry_protocol.hpp"
#include "sync/model/authority.hpp"
#include "sync/model/docker_config_json.hpp"

namespace regsync {
namespace {

using kube::HttpRequest;
using kube::HttpResponse;

constexpr std::chrono::seconds request_time{15};
constexpr int most_redirects = 3;
constexpr long http_unauthorized = 401;

// The types that runtimes accept, in one header: an index or a manifest, of OCI or of Docker.
constexpr const char* accepted_manifests =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

std::string basic_header(const RegistryLogin& login) {
  return std::string("Authorization: Basic ").append(auth_of(login.username, login.password).reveal());
}

// "host[:port]" of an origin, as the folders of certs.d are named.
std::string_view authority_of(std::string_view origin) {
  const auto scheme = origin.find("://");
  return origin.substr(scheme == std::string_view::npos ? 0 : scheme + 3);
}

asio::awaitable<HttpResponse> send(std::string server, HttpRequest request) {
  if (auto certificates = registry_certificates(authority_of(server), certificate_folders())) {
    auto proof = std::make_shared<kube::RequestCredentials>();
    proof->tls = std::move(certificates);
    request.proof = std::move(proof);
  }
  kube::Endpoint endpoint;
  kube::EnvironmentProxy proxy = kube::proxy_from_environment(server);
  endpoint.proxy_url = std::move(proxy.url);
  endpoint.proxy_source = std::move(proxy.variable);
  endpoint.server = std::move(server);
  request.timeout = request_time;
  const auto executor = co_await asio::this_coro::executor;
  kube::HttpClient client(executor, std::move(endpoint));
  HttpResponse response = co_await client.send(request);
  co_return response;
}

HttpRequest request_for(std::string method, std::string target, const std::string& authorization) {
  HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = {accepted_manifests};
  if (!authorization.empty()) {
    request.headers.push_back(authorization);
  }
  return request;
}

// Whether the answer is a page of a proxy, a firewall, a captive portal or a web server, not a registry's. (A
// registry's front end may answer 401 with a page: it asks for the login itself.) The content type counts only if there
// is no body: Quay labels its answer to a login, "true", as text/html.
bool is_page(const HttpResponse& response) {
  return response.status != http_unauthorized &&
         (response.body.empty() ? to_lower(response.content_type).starts_with("text/html")
                                : trim(response.body).starts_with('<'));
}

std::string said_by(const std::string& server, const HttpResponse& response) {
  return server + " answered HTTP " + std::to_string(response.status) + (is_page(response) ? " with a web page" : "");
}

// Whether the token is valid, but not for this: RFC 6750, 3.1.
bool lacks_scope_only(const HttpResponse& response) {
  return response.www_authenticate.find("insufficient_scope") != std::string::npos;
}

bool redirects(const HttpResponse& response) { return response.status / 100 == 3; }

PullVerdict verdict_of(const HttpResponse& response, bool asked_for_image) {
  if (is_page(response)) {
    return PullVerdict::unreachable;
  }
  switch (response.status) {
    case http_unauthorized:
      return !asked_for_image && lacks_scope_only(response) ? PullVerdict::unreachable : PullVerdict::denied;
    case 403:
      return PullVerdict::denied;
    case 404:
      return asked_for_image ? PullVerdict::no_such_image : PullVerdict::unreachable;
    default:
      return response.status / 100 == 2 ? PullVerdict::can_pull : PullVerdict::unreachable;
  }
}

// The meaning of an answer to a request with this login, or with none.
PullAnswer answer_of(const HttpResponse& response, const std::string& server, bool asked_for_image) {
  const PullVerdict verdict = verdict_of(response, asked_for_image);
  return {verdict, verdict == PullVerdict::can_pull ? std::string() : said_by(server, response), {}, response.status};
}

// The same for an answer before a login was asked for: it says who may pull an image, and nothing about the login.
PullAnswer answer_without_login(const HttpResponse& response, const std::string& server, bool asked_for_image,
                                bool has_login) {
  PullAnswer answer = answer_of(response, server, asked_for_image);
  if (!asked_for_image || (has_login && answer.verdict == PullVerdict::denied)) {
    answer.verdict = PullVerdict::unreachable;
    answer.detail = said_by(server, response) + ", and did not ask for the login";
  }
  return answer;
}

// The Authorization header that answers a challenge, or why there is none.
struct Proof {
  std::string header;
  std::optional<PullAnswer> failure;
  std::string note;
};

// status: that of the answer that caused this.
Proof no_proof(PullVerdict verdict, std::string why, long status) {
  return {"", PullAnswer{verdict, std::move(why), {}, status}, {}};
}
Proof proof_of(std::string header, std::string note = {}) { return {std::move(header), std::nullopt, std::move(note)}; }

asio::awaitable<Proof> fetch_token(Challenge challenge, std::string scope, std::string server, RegistryLogin login) {
  const auto url = parse_realm(challenge.parameters["realm"]);
  if (!url) {
    co_return no_proof(PullVerdict::unreachable, server + " names no token server", http_unauthorized);
  }
  const auto registry = kube::parse_url(server);
  if (!may_carry_login(*url, registry ? registry->host : std::string())) {
    co_return no_proof(PullVerdict::unreachable, "the token server " + url->origin() + " is not https",
                       http_unauthorized);
  }
  std::string note;
  if (!login.username.empty() && registry && !are_related(registry->host, url->host)) {
    note = "the login was sent to the token server " + url->origin() + ", as " + server + " asks";
  }

  std::string target = url->target();
  char separator = url->query.empty() ? '?' : '&';
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      target += std::exchange(separator, '&') + (name + percent_encoded(value, unreserved));
    }
  };
  add("service=", challenge.parameters["service"]);
  add("scope=", scope);
  HttpRequest request =
      request_for("GET", std::move(target), login.username.empty() ? std::string() : basic_header(login));
  std::string token_server = url->origin();
  const HttpResponse response = co_await send(std::move(token_server), std::move(request));
  if (response.status / 100 != 2) {
    PullAnswer refusal = answer_of(response, url->origin(), /*asked_for_image=*/false);
    co_return no_proof(refusal.verdict, std::move(refusal.detail), response.status);
  }

  const TokenAnswer answer = parse_token_answer(response.body);
  if (!answer.problem.empty()) {
    co_return no_proof(PullVerdict::unreachable, url->origin() + " " + answer.problem, response.status);
  }
  co_return proof_of("Authorization: Bearer " + answer.token, std::move(note));
}

asio::awaitable<Proof> prove(Challenge challenge, std::string scope, std::string server, RegistryLogin login) {
  if (challenge.scheme == "bearer") {
    Proof proof = co_await fetch_token(std::move(challenge), std::move(scope), std::move(server), std::move(login));
    co_return proof;
  }
  if (challenge.scheme == "basic" && !login.username.empty()) {
    co_return proof_of(basic_header(login));
  }
  // An anonymous request is refused; a login was not sent.
  co_return no_proof(login.username.empty() ? PullVerdict::denied : PullVerdict::unreachable,
                     server + " wants " +
                         (challenge.scheme.empty() ? "authentication that is neither basic nor bearer"
                                                   : challenge.scheme + " authentication"),
                     http_unauthorized);
}

// A public image may be elsewhere (registry.k8s.io), and so may a page that asks a person to log in: only the last
// answer counts, and no login is sent.
asio::awaitable<PullAnswer> ask_elsewhere(std::string server, std::string method, HttpResponse response) {
  for (int turn = 0; turn < most_redirects && redirects(response); ++turn) {
    const auto from = kube::parse_url(server);
    const auto to = from ? parse_location(response.location, *from) : std::nullopt;
    if (!to) {
      break;
    }
    server = to->origin();
    HttpRequest request = request_for(method, to->target(), "");
    response = co_await send(server, std::move(request));
  }
  PullAnswer answer = answer_of(response, server, /*asked_for_image=*/true);
  if (answer.verdict == PullVerdict::denied) {
    answer.verdict = PullVerdict::unreachable;
  }
  co_return answer;
}

asio::awaitable<PullAnswer> ask(std::string server, std::string method, std::string target, std::string scope,
                                RegistryLogin login) {
  const bool asked_for_image = !scope.empty();
  HttpRequest first = request_for(method, target, "");
  const HttpResponse open = co_await send(server, std::move(first));
  if (asked_for_image && redirects(open)) {
    PullAnswer elsewhere = co_await ask_elsewhere(std::move(server), std::move(method), open);
    co_return elsewhere;
  }
  if (open.status != http_unauthorized) {
    co_return answer_without_login(open, server, asked_for_image, !login.username.empty());
  }
  Challenge challenge = parse_challenge(open.www_authenticate);
  const Proof proof = co_await prove(std::move(challenge), std::move(scope), server, std::move(login));
  if (proof.failure) {
    co_return *proof.failure;
  }
  HttpRequest second = request_for(std::move(method), std::move(target), proof.header);
  const HttpResponse answer = co_await send(server, std::move(second));
  PullAnswer verdict = answer_of(answer, server, asked_for_image);
  if (asked_for_image && redirects(answer)) {  // the content is elsewhere, so the login was accepted
    verdict = {PullVerdict::can_pull, "", {}, answer.status};
  }
  verdict.note = proof.note;
  co_return verdict;
}

// Runtimes use plain http for registries on this machine; for others only if configured.
asio::awaitable<PullAnswer> ask_host(std::string host, std::string method, std::string target, std::string scope,
                                     RegistryLogin login) {
  const std::string authority = host == "docker.io" ? "registry-1.docker.io" : host;
  const auto parsed = parse_authority(authority);
  if (!parsed) {
    co_return PullAnswer{PullVerdict::unreachable, "\"" + host + "\" is not a registry", {}};
  }
  std::optional<Error> failure;
  // (Arguments of a co_await are named variables: g++ 12 destroys some temporaries there twice.)
  std::string secure = "https://" + authority;
  std::string plain = "http://" + authority;
  RegistryLogin same;
  same.username = login.username;
  same.password = login.password.clone();
  try {
    PullAnswer answer = co_await ask(std::move(secure), method, target, scope, std::move(same));
    co_return answer;
  } catch (const Error& error) {
    failure = error;
  }
  if (parsed->is_loopback() && failure->code() != ErrorCode::cancelled) {
    try {
      PullAnswer answer =
          co_await ask(std::move(plain), std::move(method), std::move(target), std::move(scope), std::move(login));
      co_return answer;
    } catch (const Error& error) {
      failure = error;
    }
  }
  if (failure->code() == ErrorCode::cancelled) {
    throw Error(*failure);
  }
  PullAnswer unreachable{PullVerdict::unreachable, failure->message(), {}};
  co_return unreachable;
}

}  // namespace

RegistryLogin login_of(const Credential& credential) { return {credential.login.username, credential.secret.clone()}; }

asio::awaitable<PullAnswer> try_pull(Image image, RegistryLogin login) {
  std::string target = "/v2/" + image.repository + "/manifests/" + image.reference;
  std::string scope = "repository:" + image.repository + ":pull";
  std::string method = "HEAD";
  PullAnswer answer = co_await ask_host(std::move(image.host), std::move(method), std::move(target), std::move(scope),
                                        std::move(login));
  co_return answer;
}

asio::awaitable<PullAnswer> try_login(std::string host, RegistryLogin login) {
  std::string method = "GET";
  std::string target = "/v2/";
  std::string scope;
  PullAnswer answer =
      co_await ask_host(std::move(host), std::move(method), std::move(target), std::move(scope), std::move(login));
  co_return answer;
}

}  // namespace regsync
