#include "sync/kube/config/credentials.hpp"

#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "sync/base/base64.hpp"
#include "sync/base/percent_encoding.hpp"
#include "sync/kube/config/exec_plugin.hpp"
#include "sync/kube/http/pem.hpp"

namespace regsync::kube {
namespace {

using std::chrono::steady_clock;

constexpr const char* user_agent = "User-Agent: regsync/" REGSYNC_VERSION;

constexpr std::size_t largest_file = std::size_t{1} << 20;
// client-go's oidc provider: a token that expires within this time is no longer used.
constexpr auto expiry_delta = std::chrono::seconds(10);

// client-go transport/round_trippers.go: the key of an extra field is percent-encoded where HTTP forbids a character.
constexpr std::string_view header_characters = "!#$&'*+-.^_`|~";

std::string read_or_empty(const std::string& path) { return try_read_file(path, largest_file).value_or(""); }

// For messages; empty if the content is in the kubeconfig itself.
std::string in_file(const std::string& path) { return path.empty() ? "" : " (" + presentable(path) + ")"; }

Error no_pair(const ResolvedContext& context, PairFault fault) {
  const std::string remedy = fault == PairFault::encrypted_key ? "decrypt it: openssl pkey -in KEY -out NEW-KEY"
                             : fault == PairFault::other_key
                                 ? "put the certificate of the user before those of its issuers, or get the pair from "
                                   "who runs the cluster again"
                                 : "get the kubeconfig, or these files, from who runs the cluster again";
  return {ErrorCode::kubeconfig,
          "client certificate" + in_file(context.client_certificate_file) + " and key" +
              in_file(context.client_key_file) + " of context \"" + context.name +
              "\" cannot be used: " + std::string(to_string(fault)),
          remedy};
}

// A line break in a value would start another header.
std::string header(std::string_view name, std::string_view value) {
  if (has_control_characters(value)) {
    throw Error(ErrorCode::kubeconfig, "the value for header " + std::string(name) + " holds control characters",
                "write it again in one line; a token ends without a line break");
  }
  return std::string(name).append(value.empty() ? ";" : ": ").append(value);  // libcurl drops what ends in a colon
}

std::vector<std::string> impersonation_headers(const Impersonation& as) {
  std::vector<std::string> headers;
  if (as.user.empty()) {
    return headers;
  }
  headers.push_back(header("Impersonate-User", as.user));
  if (!as.uid.empty()) {
    headers.push_back(header("Impersonate-Uid", as.uid));
  }
  for (const std::string& group : as.groups) {
    headers.push_back(header("Impersonate-Group", group));
  }
  for (const auto& [key, values] : as.extra) {
    for (const std::string& value : values) {
      headers.push_back(header("Impersonate-Extra-" + percent_encoded(key, header_characters), value));
    }
  }
  return headers;
}

}  // namespace

Credentials::Credentials(ResolvedContext context, steady_clock::duration read_interval)
    : context_(std::move(context)),
      read_interval_(read_interval),
      secure_(context_.server.starts_with("https://")),
      fixed_headers_{user_agent} {
  const auto impersonation = impersonation_headers(context_.impersonation);
  fixed_headers_.insert(fixed_headers_.end(), impersonation.begin(), impersonation.end());
  if (secure_) {
    // client-go: the plugin is not used if the kubeconfig has its own token, password or certificate.
    const bool own = !context_.token.empty() || !context_.token_file.empty() || !context_.username.empty() ||
                     !context_.client_certificate_file.empty() || !context_.client_certificate_data.empty();
    if (context_.exec && !own) {
      plugin_ = ExecPlugin::shared(context_);
    }
  }
  read_files(/*now=*/true);
  compose();
}

Credentials::~Credentials() = default;

asio::awaitable<std::shared_ptr<const RequestCredentials>> Credentials::current() {
  read_files(/*now=*/false);
  if (context_.token_expires && std::chrono::system_clock::now() + expiry_delta > *context_.token_expires) {
    throw Error(ErrorCode::unauthorized,
                "the id-token of the auth-provider of context \"" + context_.name +
                    "\" has expired, or does not say when" +
                    (context_.has_refresh_token ? "" : ", and there is no refresh-token"),
                context_.has_refresh_token ? "kubectl renews it in the kubeconfig: kubectl --context " +
                                                 shell_word(context_.name) + " get --raw /version"
                                           : "log in again with the tool that wrote this kubeconfig");
  }
  if (secure_ && token_.empty() && !context_.token_file.empty()) {
    throw Error(ErrorCode::unauthorized,
                "the tokenFile of context \"" + context_.name + "\"" + in_file(context_.token_file) + " is empty",
                "see what writes it; it is read again when it changes");
  }
  if (plugin_) {
    use(co_await plugin_->current(refused_));
  }
  co_return proof_;
}

asio::awaitable<bool> Credentials::renew(std::shared_ptr<const RequestCredentials> rejected) {
  if (proof_ == rejected) {
    refused_ = true;
    read_files(/*now=*/true);
    if (plugin_) {
      use(co_await plugin_->renew(minted_));
    }
  }
  co_return proof_ != rejected;
}

void Credentials::accepted(const std::shared_ptr<const RequestCredentials>& taken) {
  if (taken == proof_) {
    refused_ = false;
  }
}

void Credentials::end_pause() {
  if (plugin_) {
    plugin_->end_pause();
  }
}

void Credentials::take_over(const Credentials& former) {
  if (*files_tls_ == *former.files_tls_) {
    files_tls_ = former.files_tls_;
    compose();
  }
}

void Credentials::read_files(bool now) {
  // One stat is cheap, a thousand per second are not.
  if (!now && steady_clock::now() - read_ < read_interval_) {
    return;
  }
  read_ = steady_clock::now();
  const Stamps stamps{stamp_of(context_.token_file), stamp_of(context_.ca_file),
                      stamp_of(context_.client_certificate_file), stamp_of(context_.client_key_file)};
  if (stamps == stamps_) {
    return;
  }
  stamps_ = stamps;
  const bool new_token = load_token();
  const bool new_tls = load_tls();
  if (new_token || new_tls) {
    compose();
  }
}

// tokenFile takes precedence over token; if it cannot be read, the previous token stays in use.
bool Credentials::load_token() {
  std::string read;
  if (!context_.token_file.empty()) {
    read = read_or_empty(context_.token_file);
  }
  const std::string_view fresh = trim(read);
  if (fresh.empty() && !token_.empty()) {
    return false;
  }
  SecretString token(fresh.empty() ? context_.token.reveal() : fresh);
  return std::exchange(token_, std::move(token)) != token_;
}

bool Credentials::load_tls() {
  const auto either = [](const std::string& data, const std::string& file) {
    return file.empty() ? data : read_or_empty(file);
  };
  TlsMaterial fresh;
  fresh.ca = either(context_.ca_data, context_.ca_file);
  if (!fresh.ca.empty() || !context_.ca_file.empty()) {
    fresh.ca = usable_certificates(fresh.ca);
    if (fresh.ca.empty() && files_tls_) {
      fresh.ca = files_tls_->ca;
    }
    if (fresh.ca.empty()) {
      throw Error(ErrorCode::kubeconfig,
                  "the certificate authority of context \"" + context_.name + "\"" + in_file(context_.ca_file) +
                      " holds no PEM certificate",
                  "get the kubeconfig, or that file, from who runs the cluster again");
    }
  }
  fresh.certificate = either(context_.client_certificate_data, context_.client_certificate_file);
  if (!fresh.certificate.empty() || !context_.client_certificate_file.empty()) {
    fresh.key =
        usable_key(context_.client_key_file.empty() ? context_.client_key_data.reveal()
                                                    : SecretString(read_or_empty(context_.client_key_file)).reveal());
    if (const PairFault fault = pair_fault(fresh.certificate, fresh.key.reveal()); fault != PairFault::none) {
      if (!files_tls_) {
        throw no_pair(context_, fault);
      }
      fresh.certificate = files_tls_->certificate;
      fresh.key = files_tls_->key.clone();
    }
  }
  if (files_tls_ && fresh == *files_tls_) {
    return false;
  }
  files_tls_ = std::make_shared<TlsMaterial>(std::move(fresh));
  return true;
}

void Credentials::use(std::shared_ptr<const ExecCredential> minted) {
  if (minted != minted_) {
    minted_ = std::move(minted);
    compose();
  }
}

void Credentials::compose() {
  RequestCredentials proof{fixed_headers_, files_tls_};
  if (secure_) {
    prove(proof);
  }
  proof_ = std::make_shared<RequestCredentials>(std::move(proof));
}

void Credentials::prove(RequestCredentials& proof) const {
  if (minted_ && !minted_->certificate.empty()) {
    TlsMaterial tls;
    tls.ca = files_tls_->ca;
    tls.certificate = minted_->certificate;
    tls.key = minted_->key.clone();
    proof.tls = std::make_shared<TlsMaterial>(std::move(tls));
  }
  const std::string_view token = minted_ && !minted_->token.empty() ? minted_->token.reveal() : token_.reveal();
  if (!token.empty()) {
    proof.headers.push_back(header("Authorization", "Bearer " + std::string(token)));
  } else if (!context_.username.empty()) {
    const std::string pair = context_.username + ":" + std::string(context_.password.reveal());
    proof.headers.push_back(header("Authorization", "Basic " + base64_encode(pair)));
  }
}

}  // namespace regsync::kube
