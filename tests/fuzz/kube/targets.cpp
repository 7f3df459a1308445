#include "tests/fuzz/kube/targets.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "sync/kube/api/api_error.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/exec_credential.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/kube/config/oidc_token.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/kube/http/url.hpp"

namespace regsync::fuzz {
namespace {

using nlohmann::json;

// Every text that we show must be JSON, and so UTF-8: it goes into status rows.
void must_be_presentable(const Error& error) { static_cast<void>(json{error.message(), error.remedy()}.dump()); }

// A transport whose only answer is a stream of the given bytes.
class Replay final : public kube::HttpTransport {
 public:
  Replay(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}

  asio::awaitable<kube::HttpResponse> send(const kube::HttpRequest& /*request*/) override {
    throw Error(ErrorCode::internal, "a watch sends nothing else");
    co_return kube::HttpResponse{};
  }
  asio::awaitable<kube::HttpResponse> stream(const kube::HttpRequest& /*request*/, std::function<void()> on_open,
                                             std::function<void(std::string_view)> on_bytes) override {
    if (on_open) {
      on_open();
    }
    for (std::string_view rest = bytes_; !rest.empty(); rest.remove_prefix(std::min(piece_, rest.size()))) {
      on_bytes(rest.substr(0, piece_));
    }
    kube::HttpResponse response;
    response.status = 200;
    co_return response;
  }

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

}  // namespace

void kubeconfig(std::string_view bytes) {
  const int fd = ::memfd_create("kubeconfig", MFD_CLOEXEC);
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  try {
    const kube::Kubeconfig config = kube::Kubeconfig::load(path);
    for (const std::string& name : config.contexts()) {
      try {
        const kube::ResolvedContext context = config.resolve(name);
        if (!context.server.starts_with("https://") && (!context.token.empty() || !context.password.empty())) {
          throw std::logic_error("a credential for plain http");
        }
        if (!kube::parse_url(context.server)) {
          throw std::logic_error("a server that is no URL");
        }
      } catch (const Error& error) {
        must_be_presentable(error);
      }
    }
  } catch (const Error& error) {
    must_be_presentable(error);
  }
  ::close(fd);
}

void exec_credential(std::string_view bytes) {
  try {
    const kube::ExecCredential parsed = kube::parse_exec_credential(bytes, "client.authentication.k8s.io/v1");
    if (parsed.token.empty() && parsed.certificate.empty()) {
      throw std::logic_error("a credential without anything in it");
    }
  } catch (const Error& error) {
    must_be_presentable(error);
  }
}

void id_token(std::string_view bytes) {
  if (kube::expiry_of_id_token(bytes) && !kube::is_id_token(bytes)) {
    throw std::logic_error("an expiry of what is no token");
  }
}

void url(std::string_view bytes) {
  const auto parsed = kube::parse_url(bytes);
  if (!parsed) {
    return;
  }
  // One spelling: reading it again changes nothing.
  const auto again = kube::parse_url(parsed->text());
  if (!again || again->text() != parsed->text() || again->has_userinfo) {
    throw std::logic_error("a URL with two spellings: " + parsed->text());
  }
  static_cast<void>(
      kube::proxy_from_environment(parsed->text(), [](std::string_view) { return "http://p:1,10.0.0.0/8"; }));
}

void status(std::string_view bytes) {
  for (const long code : {400L, 401L, 403L, 404L, 409L, 410L, 422L, 429L, 500L}) {
    must_be_presentable(kube::error_of(code, bytes, std::nullopt, {"apply", "secrets", "x", "n"}));
  }
  const json object = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (object.is_object()) {
    must_be_presentable(kube::error_of_event(object, {"watch", "secrets", "", ""}));
  }
}

void watch_stream(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  const std::size_t piece = std::size_t{1} + static_cast<unsigned char>(bytes.front());
  kube::ResolvedContext context;
  context.server = "http://fuzz";
  asio::io_context loop;
  kube::KubeClient client(std::move(context), std::make_unique<Replay>(bytes.substr(1), piece));
  kube::WatchOptions options;
  options.resource_version = "1";
  const kube::ObjectPath secrets{"secrets", "", ""};
  std::exception_ptr failure;
  asio::co_spawn(loop,
                 client.watch(secrets, options,
                              [](const json& event) {
                                if (!event.at("type").is_string() || !event.at("object").is_object()) {
                                  throw std::logic_error("not an event");
                                }
                              }),
                 [&](std::exception_ptr thrown) { failure = std::move(thrown); });
  loop.run();
  try {
    if (failure) {
      std::rethrow_exception(failure);
    }
  } catch (const Error& error) {
    static_cast<void>(error.code());
  }
}

}  // namespace regsync::fuzz
