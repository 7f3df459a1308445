// One exchange over libcurl: starts when constructed, and ends at the latest when destroyed. Lives in the frame of the
// coroutine that waits for it, as its request does; libcurl writes to it until it ends. One io_context thread.
#pragma once

#include <curl/curl.h>

#include <array>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "helper/base/error.hpp"
#include "sync/kube/http/curl_endpoint.hpp"
#include "sync/kube/http/http_transport.hpp"
#include "sync/kube/http/response_head.hpp"
#include "sync/kube/http/stalled_answers.hpp"

namespace regsync::kube {

class CurlMulti;

// A libcurl handle with the TLS material that it uses, which must live as long: a connection may be made at any time.
struct CurlHandle {
  std::shared_ptr<const TlsMaterial> tls;
  CurlEasy easy;
};

class CurlTransfer final : public PartialAnswer {
 public:
  CurlTransfer(std::shared_ptr<CurlMulti> on, const asio::any_io_executor& executor, const HttpRequest& request,
               bool stream);
  ~CurlTransfer() override;
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  CurlTransfer(CurlTransfer&&) = delete;
  CurlTransfer& operator=(CurlTransfer&&) = delete;

  // For the coroutine.

  // Sleeps until there is news, ask() is called, or the request times out, which ends it. Throws Error(cancelled).
  asio::awaitable<void> sleep();
  [[nodiscard]] bool has_news() const { return finished_ || (opened_ && !told_opened_) || !pieces_.empty(); }
  // Whether ask() was called since the last call: check whether the peer is alive.
  bool take_asked();
  // Whether the stream was opened since the last call.
  bool take_opened();
  // Takes the received bytes of a stream; `kept` becomes the buffer for the next ones.
  std::string take_pieces(std::string kept);
  [[nodiscard]] bool has_pieces() const { return !pieces_.empty(); }

  // Whether the exchange is over, and whether it succeeded. Then the answer or the failure can be taken.
  [[nodiscard]] bool is_finished() const { return finished_; }
  [[nodiscard]] bool has_answer() const;
  HttpResponse take_answer() { return std::move(response_); }
  [[nodiscard]] Error failure() const;
  // Whether it failed because it was put on a connection that was just closing (GOAWAY, or closed): libcurl retries
  // most such requests by itself, but 7.88 fails a few. If a server closes because it refuses the client certificate
  // (TLS 1.3), libcurl may find out only when it makes the next connection.
  [[nodiscard]] bool met_closing_connection() const {
    const bool is_closed = result_ == CURLE_HTTP2 || result_ == CURLE_SEND_ERROR;
    return is_closed && response_.status == 0 && !refuses_certificate();
  }
  [[nodiscard]] bool refuses_certificate() const { return refusal_ != nullptr; }

  // For the driver and its parts.

  [[nodiscard]] const HttpRequest& request() const { return request_; }
  [[nodiscard]] const std::shared_ptr<CurlMulti>& multi() const { return multi_; }
  [[nodiscard]] bool is_stream() const override { return stream_; }
  [[nodiscard]] CURL* easy() const { return handle_.easy.get(); }
  // Prepares the handle for the request.
  void use(CurlHandle handle, const CurlEndpoint& endpoint, std::size_t closed_connections);
  // The handle, if it may serve another request: libcurl counts retries over all requests of a handle, and gives up at
  // the fifth.
  CurlHandle release_handle();

  // Whether any connection, including those of other transfers, has closed since this one took its handle.
  [[nodiscard]] bool saw_closing() const;
  // Whether its whole body has been sent.
  [[nodiscard]] bool has_sent() const;
  [[nodiscard]] curl_off_t body_bytes() const override;

  void ask() override;
  void finish(CURLcode code, const std::string& why = {});

 private:
  static std::size_t on_header(const char* bytes, std::size_t one, std::size_t size, void* self);
  static std::size_t on_body(const char* bytes, std::size_t one, std::size_t size, void* self);
  std::size_t take_header(std::string_view line);
  std::size_t take_body(std::string_view bytes);
  void end_head();

  const std::shared_ptr<CurlMulti> multi_;
  const HttpRequest& request_;
  const bool stream_;
  asio::steady_timer wake_;  // expires at the request's timeout; cancelled by news and ask()
  bool asked_ = false;
  CurlHandle handle_;
  std::size_t closed_connections_ = 0;  // at the time it took the handle
  CurlList headers_;
  HttpResponse response_;
  ResponseHead head_;
  std::string pieces_;  // bytes of a stream that the coroutine has not taken yet
  bool opened_ = false;
  bool told_opened_ = false;
  bool too_large_ = false;
  bool finished_ = false;
  CURLcode result_ = CURLE_OK;
  std::array<char, CURL_ERROR_SIZE> error_{};
  const char* refusal_ = nullptr;  // CurlEndpoint::refusal_of, before another connection begins
};

}  // namespace regsync::kube
