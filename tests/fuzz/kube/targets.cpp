#include "tests/fuzz/kube/targets.hpp"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "sync/base/base64.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/jwt.hpp"
#include "sync/kube/api/api_error.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "sync/kube/config/cluster_secret.hpp"
#include "sync/kube/config/exec_credential.hpp"
#include "sync/kube/config/kubeconfig.hpp"
#include "sync/kube/http/proxy.hpp"
#include "sync/kube/http/retry_after.hpp"
#include "sync/kube/http/url.hpp"
#include "tests/fuzz/input.hpp"

namespace regsync::fuzz {
namespace {

using nlohmann::json;

// A transport whose only answer is the given bytes, at once or as a stream.
class Replay final : public kube::HttpTransport {
 public:
  Replay(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}

  asio::awaitable<kube::HttpResponse> send(const kube::HttpRequest& /*request*/) override {
    kube::HttpResponse response;
    response.status = 200;
    response.body = bytes_;
    co_return response;
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

// Runs the work to its end; an Error is an answer too.
template <typename T>
void run(asio::io_context& loop, asio::awaitable<T> work) {
  std::exception_ptr failure;
  asio::co_spawn(loop, std::move(work),
                 [&](std::exception_ptr thrown, auto&&... /*value*/) { failure = std::move(thrown); });
  loop.run();
  refused_or([&] {
    if (failure) {
      std::rethrow_exception(failure);
    }
  });
}

kube::ResolvedContext context_of_fuzz() {
  kube::ResolvedContext context;
  context.server = "https://fuzz";
  return context;
}

}  // namespace

void kubeconfig(std::string_view bytes) {
  const InMemory file(bytes);
  refused_or([&] {
    const kube::Kubeconfig config = kube::Kubeconfig::load(file.path());
    for (const std::string& name : config.contexts()) {
      refused_or([&] {
        const kube::ResolvedContext context = config.resolve(name);
        require(context.server.starts_with("https://") || (context.token.empty() && context.password.empty()),
                "a credential for plain http");
        require(kube::parse_url(context.server).has_value(), "a server that is no URL");
      });
    }
  });
}

void exec_credential(std::string_view bytes) {
  refused_or([&] {
    const kube::ExecCredential parsed = kube::parse_exec_credential(bytes, "client.authentication.k8s.io/v1");
    require(!parsed.token.empty() || !parsed.certificate.empty(), "a credential without anything in it");
  });
}

void id_token(std::string_view bytes) {
  require(!jwt_expiry(bytes) || jwt_claims(bytes).is_object(), "an expiry of what is no token");
}

void status(std::string_view bytes) {
  for (const long code : {302L, 400L, 401L, 403L, 404L, 409L, 410L, 422L, 429L, 500L}) {
    kube::HttpResponse response;
    response.status = code;
    response.body = bytes;
    must_be_presentable(kube::error_of(response, {"apply", "secrets", "x", "n"}));
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
  asio::io_context loop;
  kube::KubeClient client(context_of_fuzz(), std::make_unique<Replay>(bytes.substr(1), piece));
  kube::WatchOptions options;
  options.resource_version = "1";
  const kube::ObjectPath secrets{"secrets", "", ""};
  run(loop, client.watch(secrets, options, [](const json& event) {
    require(event.at("type").is_string() && event.at("object").is_object(), "not an event");
  }));
}

void list(std::string_view bytes) {
  asio::io_context loop;
  kube::KubeClient client(context_of_fuzz(), std::make_unique<Replay>(bytes, 1));
  run(loop, client.list({"secrets", "", ""}, {}, [](const json& item) { require(item.is_object(), "not an object"); }));
}

void cluster_secret(std::string_view bytes) {
  if (bytes.empty()) {
    return;
  }
  const auto kind = static_cast<unsigned char>(bytes.front()) % 4;
  const std::string content = base64_encode(bytes.substr(1));
  json secret = {{"metadata", {{"namespace", "fleet"}, {"name", "c"}}}};
  switch (kind) {
    case 0:
      secret = parse_json(bytes.substr(1)).value_or(json());
      break;
    case 1:
      secret["data"] = {{"kubeconfig", content}};
      break;
    case 2:
      secret["data"] = {{"value", content}};
      break;
    default:
      secret["data"] = {{"server", base64_encode("https://c:6443")}, {"config", content}};
      break;
  }
  const auto cluster = kube::decode_cluster_secret(secret);
  if (cluster && cluster->problem) {
    must_be_presentable(*cluster->problem);
  }
  if (!cluster || !cluster->context) {
    return;
  }
  const kube::ResolvedContext& context = *cluster->context;
  const bool names_a_file = !context.ca_file.empty() || !context.token_file.empty() ||
                            !context.client_certificate_file.empty() || !context.client_key_file.empty();
  const bool runs_a_path = context.exec && context.exec->command.find('/') != std::string::npos;
  require(!names_a_file && !runs_a_path, "a Secret makes this process read a file, or run one");
}

void url(std::string_view bytes) {
  refused_or([&] {
    const std::string base = kube::server_base(bytes);
    const auto parsed = kube::parse_url(base);
    require(parsed && !parsed->has_userinfo && (parsed->scheme != "http" || kube::is_loopback(parsed->host)),
            "a server that must not be used");
    require(kube::server_base(base) == base, "a base that is not its own base");
    static_cast<void>(kube::proxy_from_environment(base, [](std::string_view) { return "http://p:1,10.0.0.0/8"; }));
  });
  const auto delay = kube::parse_retry_after(bytes, "Sun, 06 Nov 1994 08:49:37 GMT");
  require(!delay || (delay->count() >= 0 && *delay <= kube::longest_retry_after), "a wait beyond its bound");
}

}  // namespace regsync::fuzz
