#include "tests/support/fleet_server.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/impl/src.hpp>  // whose only user this is
#include <asio/ssl/stream.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <charconv>
#include <chrono>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "tests/support/api_request.hpp"

namespace regsync::test {

using asio::ip::tcp;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto bookmark_interval = std::chrono::seconds(60);

double now_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct StoredSecret {
  std::string object;  // as JSON
  std::string content;
  std::uint64_t version = 0;
};

using SecretKey = std::pair<std::string, std::string>;  // namespace, name

class Connection;

// A watch, or an answer that is being sent.
struct Stream {
  std::string method;
  std::string path;
  std::string content_type;
  bool metadata_only = false;
  std::string body;
  std::string out;  // bytes to send
  std::size_t sent = 0;
  bool open_end = false;  // more bytes may follow
  bool waits = false;     // nghttp2 knows that there is no data now
  ApiRequest request;
  Clock::time_point ends;
};

struct Cluster {
  std::string url;
  std::uint64_t version = 1;
  std::map<SecretKey, StoredSecret> secrets;
  std::set<std::pair<Connection*, std::int32_t>> watches;
};

}  // namespace

struct FleetServer::State {
  explicit State(asio::io_context& of) : io(of), tick(of) {}

  void accept(tcp::acceptor& acceptor, Cluster& cluster);
  void tick_soon();

  asio::io_context& io;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  std::deque<Cluster> clusters;
  std::deque<tcp::acceptor> acceptors;
  std::vector<std::string> namespaces;  // sorted
  asio::steady_timer tick;
  Clock::time_point next_bookmark = Clock::now() + bookmark_interval;

  struct Asked {
    std::map<std::string, int> requests;
    std::map<std::string, int> tokens;
    std::vector<double> writes;  // their times, in order
    int repeated = 0;
    int connections = 0;
  };
  Asked asked;
};

namespace {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(FleetServer::State& state, Cluster& cluster, tcp::socket socket)
      : state_(state), cluster_(cluster), tls_(std::move(socket), state.tls) {}

  ~Connection() {
    std::erase_if(cluster_.watches, [this](const auto& watch) { return watch.first == this; });
    nghttp2_session_del(session_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;

  void start() {
    tls_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const asio::error_code& error) {
      if (!error) {
        self->begin();
      }
    });
  }

  void tell(std::int32_t id, std::string_view line) {
    if (Stream* stream = find(id)) {
      stream->out.append(line);
      go_on(id, *stream);
    }
  }
  void end_watch(std::int32_t id) {
    if (Stream* stream = find(id)) {
      stream->open_end = false;
      go_on(id, *stream);
    }
  }
  [[nodiscard]] Stream* find(std::int32_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
  }

 private:
  static Connection& of(void* user_data) { return *static_cast<Connection*>(user_data); }

  void begin() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          of(user).streams_[frame->hd.stream_id];
          return 0;
        });
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
          of(user).on_header(frame->hd.stream_id, {reinterpret_cast<const char*>(name), name_size},
                             {reinterpret_cast<const char*>(value), value_size});
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* user) {
          of(user).streams_[id].body.append(reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          const bool is_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
          if (is_request && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            of(user).on_request(frame->hd.stream_id);
          }
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
          of(user).cluster_.watches.erase({&of(user), id});
          of(user).streams_.erase(id);
          return 0;
        });
    nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    // The same value as kube-apiserver.
    const std::array<nghttp2_settings_entry, 1> settings{{{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 250}}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    send();
    read();
  }

  void read() {
    tls_.async_read_some(asio::buffer(in_),
                         [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
                           if (!error && self->take(size)) {
                             self->send();
                             self->read();
                           }
                         });
  }

  // nghttp2 must not send from within its callbacks, which answer requests.
  bool take(std::size_t size) {
    receiving_ = true;
    const bool taken = nghttp2_session_mem_recv(session_, in_.data(), size) >= 0;
    receiving_ = false;
    return taken;
  }

  // Writes all pending data, one write at a time.
  void send() {
    if (std::exchange(sending_, true)) {
      return;
    }
    out_.clear();
    constexpr std::size_t enough = 256 * 1024;
    const std::uint8_t* data = nullptr;
    for (ssize_t size = 0; out_.size() < enough && (size = nghttp2_session_mem_send(session_, &data)) > 0;) {
      out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    if (out_.empty()) {
      sending_ = false;
      return;
    }
    asio::async_write(tls_, asio::buffer(out_),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        self->sending_ = false;
                        if (!error) {
                          self->send();
                        }
                      });
  }

  void go_on(std::int32_t id, Stream& stream) {
    if (std::exchange(stream.waits, false)) {
      nghttp2_session_resume_data(session_, id);
      if (!receiving_) {
        send();
      }
    }
  }

  void on_header(std::int32_t id, std::string_view name, std::string_view value) {
    Stream& stream = streams_[id];
    if (name == ":method") {
      stream.method = value;
    } else if (name == ":path") {
      stream.path = value;
    } else if (name == "content-type") {
      stream.content_type = value;
    } else if (name == "accept") {
      stream.metadata_only = value.find("as=PartialObjectMetadata") != std::string_view::npos;
    } else if (name == "authorization") {
      constexpr std::string_view bearer = "Bearer ";
      ++state_.asked.tokens[std::string(value.substr(std::min(bearer.size(), value.size())))];
    }
  }

  void on_request(std::int32_t id) {
    Stream& stream = streams_[id];
    if (stream.path == "/version") {
      answer(id, 200, R"({"major":"1","minor":"36","gitVersion":"v1.36.0"})");
      return;
    }
    const auto mark = stream.path.find('?');
    auto query = mark == std::string::npos ? "" : stream.path.substr(mark + 1);
    auto request = read_api_request(stream.method, stream.path.substr(0, mark), read_query(query), stream.content_type,
                                    std::move(stream.body));
    if (!request) {
      answer(id, status_answer(404, "NotFound", "no such path"));
      return;
    }
    stream.request = std::move(*request);
    const std::string& resource = stream.request.key.resource;
    ++state_.asked.requests[stream.request.verb + " " + resource];
    if (stream.request.verb == "watch") {
      watch(id, stream);
    } else if (stream.request.verb == "list" && (resource == "secrets" || resource == "namespaces")) {
      answer(id, 200, list(stream));
    } else if (stream.request.verb == "apply" && resource == "secrets") {
      apply(id, stream);
    } else if (stream.request.verb == "get" && resource == "secrets") {
      get(id, stream.request.key);
    } else if (stream.request.verb == "get" && resource == "namespaces") {
      answer(id, 200, name_space(stream.request.key.name).dump());
    } else if (stream.request.verb == "create" && resource == "selfsubjectaccessreviews") {
      answer(id, 201, R"({"kind":"SelfSubjectAccessReview","status":{"allowed":true}})");
    } else {
      answer(id, status_answer(404, "NotFound", "not here"));
    }
  }

  void answer(std::int32_t id, const Answer& whole) { answer(id, whole.status, whole.body.dump()); }
  void answer(std::int32_t id, int status, std::string body, bool open_end = false) {
    Stream& stream = streams_[id];
    stream.out = std::move(body);
    stream.open_end = open_end;
    std::array<std::string, 4> words{":status", std::to_string(status), "content-type", "application/json"};
    const auto header = [](std::string& name, std::string& value) {
      const auto bytes = [](std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); };
      return nghttp2_nv{bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    };
    const std::array<nghttp2_nv, 2> headers{header(words[0], words[1]), header(words[2], words[3])};
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session*, std::int32_t of_id, std::uint8_t* buffer, std::size_t size,
                                std::uint32_t* flags, nghttp2_data_source*,
                                void* user) -> ssize_t { return of(user).copy(of_id, buffer, size, flags); };
    nghttp2_submit_response(session_, id, headers.data(), headers.size(), &provider);
  }

  ssize_t copy(std::int32_t id, std::uint8_t* buffer, std::size_t size, std::uint32_t* flags) {
    Stream& stream = streams_[id];
    const std::size_t count = std::min(size, stream.out.size() - stream.sent);
    std::copy_n(stream.out.data() + stream.sent, count, buffer);
    stream.sent += count;
    if (stream.sent == stream.out.size()) {
      stream.out.clear();
      stream.sent = 0;
      if (!stream.open_end) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
      } else if (count == 0) {
        stream.waits = true;
        return NGHTTP2_ERR_DEFERRED;
      }
    }
    return static_cast<ssize_t>(count);
  }

  // regsyncd identifies a cluster by the uid of kube-system.
  [[nodiscard]] json name_space(const std::string& name) const {
    return {{"apiVersion", "v1"},
            {"kind", "Namespace"},
            {"metadata",
             {{"name", name},
              {"uid", "uid-" + name + "-" + cluster_.url},
              {"resourceVersion", "1"},
              {"labels", {{"kubernetes.io/metadata.name", name}}}}},
            {"status", {{"phase", "Active"}}}};
  }

  // Lists in pages; the token is the number of objects returned before.
  [[nodiscard]] std::string list(const Stream& stream) const {
    const ApiRequest& request = stream.request;
    const std::string limit = request.parameter("limit");
    const std::string token = request.parameter("continue");
    const std::size_t most = limit.empty() ? SIZE_MAX : std::stoul(limit);
    const std::size_t from = token.empty() ? 0 : std::stoul(token);
    const bool secrets = request.key.resource == "secrets";
    json items = json::array();
    std::size_t at = 0;
    const auto add = [&](const json& object) {
      items.push_back(stream.metadata_only ? metadata_only(object) : object);
    };
    const Selection selection = request.selection();
    if (secrets) {
      for (const auto& [key, secret] : cluster_.secrets) {
        if (items.size() < most && at++ >= from) {
          const json object = json::parse(secret.object);
          if (selection.includes(object)) {
            add(object);
          }
        }
      }
    } else {
      for (const auto& name : state_.namespaces) {
        if (items.size() < most && at++ >= from) {
          add(name_space(name));
        }
      }
    }
    const std::size_t all = secrets ? cluster_.secrets.size() : state_.namespaces.size();
    json metadata{{"resourceVersion", std::to_string(cluster_.version)}};
    if (at < all) {
      metadata["continue"] = std::to_string(at);
    }
    return json{{"kind", secrets ? "SecretList" : "NamespaceList"},
                {"apiVersion", "v1"},
                {"metadata", std::move(metadata)},
                {"items", std::move(items)}}
        .dump();
  }

  // Watches from now on: between a list and its watch, only the watch's own client writes, and it requests that
  // version.
  void watch(std::int32_t id, Stream& stream) {
    const std::string seconds = stream.request.parameter("timeoutSeconds");
    const std::string since = stream.request.parameter("resourceVersion");
    stream.ends = Clock::now() + std::chrono::seconds(seconds.empty() ? 1800 : std::stol(seconds));
    std::string missed;
    if (stream.request.key.resource == "secrets") {
      for (const auto& [key, secret] : cluster_.secrets) {
        if (!since.empty() && secret.version > std::stoull(since)) {
          missed += event_for(stream, "MODIFIED", json::parse(secret.object));
        }
      }
    }
    cluster_.watches.emplace(this, id);
    answer(id, 200, std::move(missed), /*open_end=*/true);
  }

  static std::string event_for(const Stream& stream, const char* type, const json& object) {
    if (!stream.request.selection().includes(object)) {
      return {};
    }
    return json{{"type", type}, {"object", stream.metadata_only ? metadata_only(object) : object}}.dump() + "\n";
  }

  void get(std::int32_t id, const FakeCluster::Key& key) {
    const auto found = cluster_.secrets.find({key.name_space, key.name});
    if (found != cluster_.secrets.end()) {
      answer(id, 200, found->second.object);
      return;
    }
    answer(id, status_answer(404, "NotFound", "secrets \"" + key.name + "\" not found",
                             {{"name", key.name}, {"kind", "secrets"}}));
  }

  void apply(std::int32_t id, Stream& stream) {
    const auto& key = stream.request.key;
    json object = json::parse(stream.request.body, nullptr, false);
    if (!object.is_object() || !std::ranges::binary_search(state_.namespaces, key.name_space)) {
      answer(id, status_answer(404, "NotFound", "no namespace"));
      return;
    }
    auto& secret = cluster_.secrets[{key.name_space, key.name}];
    const bool is_new = secret.version == 0;
    json& metadata = object["metadata"];
    const std::string meant = metadata.value("resourceVersion", "");
    if (!is_new && !meant.empty() && meant != std::to_string(secret.version)) {
      answer(id, status_answer(409, "Conflict", "it changed"));
      return;
    }
    std::string content = object.value("/data/.dockerconfigjson"_json_pointer, "");
    state_.asked.writes.push_back(now_since_1970());
    const bool same = !is_new && content == secret.content;
    state_.asked.repeated += same ? 1 : 0;
    secret.version = same ? secret.version : ++cluster_.version;
    metadata["name"] = key.name;
    metadata["namespace"] = key.name_space;
    metadata["uid"] = "uid-" + key.name_space + "-" + key.name + "-" + cluster_.url;
    metadata["resourceVersion"] = std::to_string(secret.version);
    secret.object = object.dump();
    secret.content = std::move(content);
    answer(id, is_new ? 201 : 200, secret.object);
    if (same) {
      return;
    }
    for (const auto& [connection, watch] : std::vector(cluster_.watches.begin(), cluster_.watches.end())) {
      if (const Stream* of = connection->find(watch); of != nullptr && of->request.key.resource == "secrets") {
        connection->tell(watch, event_for(*of, is_new ? "ADDED" : "MODIFIED", object));
      }
    }
  }

  FleetServer::State& state_;
  Cluster& cluster_;
  asio::ssl::stream<tcp::socket> tls_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  std::array<std::uint8_t, 16384> in_{};
  std::string out_;
  bool sending_ = false;
  bool receiving_ = false;
};

}  // namespace

void FleetServer::State::accept(tcp::acceptor& acceptor, Cluster& cluster) {
  acceptor.async_accept([this, &acceptor, &cluster](const asio::error_code& error, tcp::socket socket) {
    if (error) {
      return;
    }
    ++asked.connections;
    socket.set_option(tcp::no_delay(true));
    std::make_shared<Connection>(*this, cluster, std::move(socket))->start();
    accept(acceptor, cluster);
  });
}

// Sends bookmarks and ends watches.
void FleetServer::State::tick_soon() {
  tick.expires_after(std::chrono::seconds(1));
  tick.async_wait([this](const asio::error_code& error) {
    if (error) {
      return;
    }
    const auto now = Clock::now();
    const bool mark = now >= next_bookmark;
    if (mark) {
      next_bookmark += bookmark_interval;
    }
    for (Cluster& cluster : clusters) {
      for (const auto& [connection, id] : std::vector(cluster.watches.begin(), cluster.watches.end())) {
        const Stream* stream = connection->find(id);
        if (stream != nullptr && now >= stream->ends) {
          cluster.watches.erase({connection, id});
          connection->end_watch(id);
        } else if (mark) {
          connection->tell(id, R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" +
                                   std::to_string(cluster.version) + "\"}}}\n");
        }
      }
    }
    tick_soon();
  });
}

FleetServer::FleetServer(asio::io_context& io, const Options& options) : state_(std::make_unique<State>(io)) {
  state_->tls.use_certificate_chain_file(options.certificate.string());
  state_->tls.use_private_key_file(options.key.string(), asio::ssl::context::pem);
  SSL_CTX_set_alpn_select_cb(
      state_->tls.native_handle(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned int length, void*) {
        unsigned char* chosen = nullptr;
        const bool is_http2 = nghttp2_select_next_protocol(&chosen, size, in, length) == 1;
        *out = chosen;
        return is_http2 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
      },
      nullptr);
  for (int i = 0; i < options.namespaces; ++i) {
    state_->namespaces.push_back("team-" + std::to_string(i));
  }
  std::ranges::sort(state_->namespaces);
  for (int i = 0; i < options.clusters; ++i) {
    auto& acceptor = state_->acceptors.emplace_back(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    auto& cluster = state_->clusters.emplace_back();
    cluster.url = "https://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    state_->accept(acceptor, cluster);
  }
  state_->tick_soon();
}

FleetServer::~FleetServer() = default;

std::vector<std::string> FleetServer::urls() const {
  std::vector<std::string> urls;
  for (const Cluster& cluster : state_->clusters) {
    urls.push_back(cluster.url);
  }
  return urls;
}

json FleetServer::report() const {
  const State::Asked& asked = state_->asked;
  const std::vector<double>& times = asked.writes;
  json report{{"requests", asked.requests},
              {"tokens", asked.tokens},
              {"connections", asked.connections},
              {"writes", times.size()},
              {"repeated", asked.repeated}};
  if (!times.empty()) {
    report["first"] = times.front();
    report["last"] = times.back();
    report["p99"] = times[(times.size() - 1) * 99 / 100];
  }
  return report;
}

void FleetServer::forget() { state_->asked = {}; }

json FleetServer::contents() const {
  std::map<std::string, int> contents;
  for (const Cluster& cluster : state_->clusters) {
    for (const auto& [key, secret] : cluster.secrets) {
      ++contents[secret.content];
    }
  }
  return contents;
}

}  // namespace regsync::test
