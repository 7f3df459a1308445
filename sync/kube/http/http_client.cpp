#include "sync/kube/http/http_client.hpp"

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "helper/base/error.hpp"
#include "sync/base/time_slice.hpp"
#include "sync/kube/http/curl_multi.hpp"

namespace regsync::kube {

namespace {

// A server that closes many connections at once spreads its clients over its replicas: more is a fault.
constexpr int most_closing_connections = 4;
// Of a stream, between two looks at the clock.
constexpr std::size_t portion = std::size_t{16} * 1024;

std::string text_of(std::chrono::milliseconds time) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(time);
  return whole == time ? std::to_string(whole.count()) + " s" : std::to_string(time.count()) + " ms";
}

}  // namespace

HttpClient::HttpClient(asio::any_io_executor executor, Endpoint endpoint, Patience patience)
    : executor_(std::move(executor)), endpoint_(std::move(endpoint)), patience_(patience) {
  initialise_curl();
  multi_ = std::make_shared<CurlMulti>(executor_, endpoint_, patience_);
}

HttpClient::~HttpClient() = default;

asio::awaitable<HttpResponse> HttpClient::send(const HttpRequest& request) { return exchange(request, {}, {}); }

asio::awaitable<HttpResponse> HttpClient::stream(const HttpRequest& request, std::function<void()> on_open,
                                                 std::function<void(std::string_view)> on_bytes) {
  return exchange(request, std::move(on_open), std::move(on_bytes));
}

asio::awaitable<HttpResponse> HttpClient::exchange(const HttpRequest& request, std::function<void()> on_open,
                                                   std::function<void(std::string_view)> on_bytes) {
  for (int failures = 1;; ++failures) {
    CurlTransfer transfer(multi_, executor_, request, static_cast<bool>(on_bytes));
    co_await follow(transfer, on_open, on_bytes);
    if (transfer.result == CURLE_OK || transfer.refused_early()) {
      co_return std::move(transfer.response);
    }
    if (!transfer.met_closing_connection() || failures == most_closing_connections) {
      throw transfer.failure();
    }
  }
}

// To the end of the exchange, passing on what a stream brings.
asio::awaitable<void> HttpClient::follow(CurlTransfer& transfer, const std::function<void()>& on_open,
                                         const std::function<void(std::string_view)>& on_bytes) {
  std::string bytes;
  while (true) {
    co_await wait_for_news(transfer);
    if (transfer.opened && !std::exchange(transfer.told_opened, true) && on_open) {
      on_open();
    }
    if (!transfer.pieces.empty()) {
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
    if (transfer.finished) {
      co_return;
    }
  }
}

asio::awaitable<void> HttpClient::wait_for_news(CurlTransfer& transfer) {
  while (!transfer.has_news()) {
    if (std::exchange(transfer.asked, false)) {
      co_await check_peer(transfer);
      continue;
    }
    std::error_code woken;
    try {
      co_await transfer.wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    } catch (const std::system_error&) {
      throw Error(ErrorCode::cancelled, "the request was cancelled");  // before the wait began
    }
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      throw Error(ErrorCode::cancelled, "the request was cancelled");
    }
    if (!woken && !transfer.has_news()) {
      transfer.multi->give_up(transfer, CURLE_OPERATION_TIMEDOUT,
                              "the answer did not come within " + text_of(transfer.request.timeout));
    }
  }
}

// Asks, on the same connection, for the smallest thing there is. Any answer at all proves that the peer lives.
asio::awaitable<void> HttpClient::check_peer(const CurlTransfer& transfer) {
  const std::shared_ptr<CurlMulti> multi = transfer.multi;
  multi->checking = true;
  const std::unique_ptr<bool, void (*)(bool*)> done(&multi->checking, [](bool* checking) { *checking = false; });
  HttpRequest request;
  request.target = "/version";
  request.timeout = patience_.answer;
  request.proof = transfer.request.proof;
  CurlTransfer check(multi, executor_, request, false);
  co_await wait_for_news(check);
  if (check.result != CURLE_OK && multi->silent(patience_.answer)) {
    if (multi_ == multi) {
      multi_ = std::make_shared<CurlMulti>(executor_, endpoint_, patience_);
    }
    multi->condemn();
  }
}

}  // namespace regsync::kube
