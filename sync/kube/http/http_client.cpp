#include "sync/kube/http/http_client.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/time_slice.hpp"
#include "sync/kube/http/curl_multi.hpp"

namespace regsync::kube {

namespace {

// A server may close several connections in a row to spread its clients over its replicas. More than this is a fault.
constexpr int most_closing_connections = 4;
// The bytes of a stream to process between two checks of the clock.
constexpr std::size_t portion = std::size_t{16} * 1024;

}  // namespace

HttpClient::HttpClient(asio::any_io_executor executor, Endpoint endpoint, Patience patience, HttpParts parts)
    : executor_(std::move(executor)), endpoint_(std::move(endpoint)), patience_(patience), parts_(parts) {
  initialise_curl();
  multi_ = std::make_shared<CurlMulti>(executor_, endpoint_, patience_, parts_);
}

HttpClient::~HttpClient() = default;

asio::awaitable<HttpResponse> HttpClient::send(const HttpRequest& request) { return exchange(request, {}, {}); }

asio::awaitable<HttpResponse> HttpClient::stream(const HttpRequest& request, std::function<void()> on_open,
                                                 std::function<void(std::string_view)> on_bytes) {
  return exchange(request, std::move(on_open), std::move(on_bytes));
}

IdleRelease HttpClient::release_idle_memory() { return multi_->release_idle_memory(); }

asio::awaitable<HttpResponse> HttpClient::exchange(const HttpRequest& request, std::function<void()> on_open,
                                                   std::function<void(std::string_view)> on_bytes) {
  for (int failures = 1;; ++failures) {
    CurlTransfer transfer(multi_, executor_, request, static_cast<bool>(on_bytes));
    co_await follow(transfer, on_open, on_bytes);
    if (transfer.has_answer()) {
      co_return transfer.take_answer();
    }
    if (transfer.refuses_certificate()) {
      throw CertificateRefused(transfer.failure());
    }
    if (!transfer.met_closing_connection() || failures == most_closing_connections) {
      throw transfer.failure();
    }
  }
}

// Follows the exchange to its end, and delivers the bytes of a stream.
asio::awaitable<void> HttpClient::follow(CurlTransfer& transfer, const std::function<void()>& on_open,
                                         const std::function<void(std::string_view)>& on_bytes) {
  std::string bytes;
  while (true) {
    co_await wait_for_news(transfer);
    if (transfer.take_opened() && on_open) {
      on_open();
    }
    if (transfer.has_pieces()) {
      bytes = transfer.take_pieces(std::move(bytes));
      TimeSlice slice;
      for (std::string_view rest = bytes; !rest.empty(); rest.remove_prefix(std::min(portion, rest.size()))) {
        if (slice.is_over()) {
          co_await slice.hand_over();
        }
        on_bytes(rest.substr(0, portion));
      }
      continue;
    }
    if (transfer.is_finished()) {
      co_return;
    }
  }
}

asio::awaitable<void> HttpClient::wait_for_news(CurlTransfer& transfer) {
  while (!transfer.has_news()) {
    if (transfer.take_asked()) {
      co_await check_peer(transfer);
    } else {
      co_await transfer.sleep();
    }
  }
}

// Sends a minimal request on the same connection. Any answer proves that the peer is alive.
asio::awaitable<void> HttpClient::check_peer(const CurlTransfer& transfer) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): it keeps the driver alive until the answer
  const std::shared_ptr<CurlMulti> multi = transfer.multi();
  multi->set_checking(true);
  const std::unique_ptr<CurlMulti, void (*)(CurlMulti*)> done(multi.get(),
                                                              [](CurlMulti* over) { over->set_checking(false); });
  HttpRequest request;
  request.target = "/version";
  request.timeout = patience_.answer;
  request.proof = transfer.request().proof;
  CurlTransfer check(multi, executor_, request, false);
  co_await wait_for_news(check);
  if (!check.has_answer() && multi->is_silent_for(patience_.answer)) {
    if (multi_ == multi) {
      multi_ = std::make_shared<CurlMulti>(executor_, endpoint_, patience_, parts_);
    }
    multi->condemn();
  }
}

}  // namespace regsync::kube
