#include "sync/cli/ask/whoami.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/jwt.hpp"
#include "sync/kube/api/api_error.hpp"
#include "sync/kube/http/pem.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 1024UL * 1024;

// A service account's token is a JWT whose "sub" is the user name; other tokens are opaque to regsync.
std::string service_account_in(std::string_view token) {
  const json claims = jwt_claims(token);
  const std::string_view subject = text_at(claims, {"sub"});
  return subject.starts_with("system:serviceaccount:") ? std::string(subject) : std::string();
}

std::string user_name_in(const kube::ResolvedContext& context) {
  if (!context.impersonation.user.empty()) {
    return context.impersonation.user;
  }
  if (!context.client_certificate_data.empty()) {
    return kube::common_name_of(context.client_certificate_data);
  }
  if (!context.client_certificate_file.empty()) {
    return kube::common_name_of(try_read_file(context.client_certificate_file, max_file_bytes).value_or(""));
  }
  if (!context.token_file.empty()) {
    return service_account_in(try_read_file(context.token_file, max_file_bytes).value_or(""));
  }
  return service_account_in(context.token.reveal());
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
    if (name == "system:anonymous") {
      throw kube::no_credentials_seen("it calls who asks " + *name);
    }
    if (name) {
      co_return std::move(*name);
    }
  }
  co_return user_name_in(client.context());
}

}  // namespace regsync::cli
