#include "sync/cli/ask/whoami.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 1024UL * 1024;

// How the API server reads a client certificate (k8s.io/apiserver/pkg/authentication/request/x509): the common name.
std::string common_name_of(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bytes(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                        BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bytes.get(), nullptr, nullptr, nullptr), X509_free);
  if (!certificate) {
    return {};
  }
  std::array<char, 256> name{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                                             static_cast<int>(name.size()));
  return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

// A service account's token is a JWT (RFC 7519) whose "sub" is the user name; other tokens say nothing to us.
std::string subject_of(std::string_view token) {
  const auto first = token.find('.');
  const auto second = token.find('.', first + 1);
  if (first == std::string::npos || second == std::string::npos) {
    return {};
  }
  std::string payload(token.substr(first + 1, second - first - 1));
  std::ranges::replace(payload, '-', '+');
  std::ranges::replace(payload, '_', '/');
  payload.append((4 - payload.size() % 4) % 4, '=');
  const auto text = base64_decode(payload);
  const json claims = text ? parse_json(*text).value_or(json()) : json();
  const std::string_view subject = text_at(claims, {"sub"});
  return subject.starts_with("system:serviceaccount:") ? std::string(subject) : std::string();
}

std::string user_name_in(const kube::ResolvedContext& context) {
  if (!context.impersonation.user.empty()) {
    return context.impersonation.user;
  }
  if (!context.client_certificate_data.empty()) {
    return common_name_of(context.client_certificate_data);
  }
  if (!context.client_certificate_file.empty()) {
    return common_name_of(try_read_file(context.client_certificate_file, max_file_bytes).value_or(""));
  }
  if (!context.token_file.empty()) {
    return subject_of(try_read_file(context.token_file, max_file_bytes).value_or(""));
  }
  return subject_of(context.token.reveal());
}

asio::awaitable<std::optional<std::string>> ask(kube::KubeClient& client, std::string version) {
  kube::ObjectPath reviews;
  reviews.resource = "selfsubjectreviews";
  reviews.api = "/apis/authentication.k8s.io/" + version;
  const json body = {{"apiVersion", "authentication.k8s.io/" + version}, {"kind", "SelfSubjectReview"}};
  std::string text = body.dump();
  try {
    const json review = co_await client.create(std::move(reviews), std::move(text));
    co_return std::string(text_at(review, {"status", "userInfo", "username"}));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::forbidden) {
      throw;
    }
    co_return std::nullopt;
  }
}

}  // namespace

asio::awaitable<std::string> user_name_of(kube::KubeClient& client) {
  for (const char* version : {"v1", "v1beta1", "v1alpha1"}) {
    std::optional<std::string> name = co_await ask(client, version);
    if (name) {
      co_return std::move(*name);
    }
  }
  co_return user_name_in(client.context());
}

}  // namespace regsync::cli
