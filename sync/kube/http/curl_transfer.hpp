// One exchange over libcurl: begun when made, and ended at the latest when destroyed. Lives in the frame of the
// coroutine that waits for it, as its request does; libcurl writes into it until then. One io_context thread.
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

// Holds what the handle of libcurl was told to use: a connection is made with it at any time.
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

  // Until there is news, or it is asked, or its time is up, which ends it. Throws Error(cancelled).
  asio::awaitable<void> sleep();
  [[nodiscard]] bool has_news() const { return finished_ || (opened_ && !told_opened_) || !pieces_.empty(); }
  // Whether it was asked, since the last call, to find out whether the peer is there.
  bool take_asked();
  // Whether the stream was opened since the last call.
  bool take_opened();
  // What of a stream has come; `kept` is room to receive the next in.
  std::string take_pieces(std::string kept);
  [[nodiscard]] bool has_pieces() const { return !pieces_.empty(); }

  // Whether all is over, and all is well with it. Then the answer or the failure can be taken.
  [[nodiscard]] bool is_finished() const { return finished_; }
  [[nodiscard]] bool has_answer() const;
  HttpResponse take_answer() { return std::move(response_); }
  [[nodiscard]] Error failure() const;
  // Whether it failed because it was put on a connection that was just going away (GOAWAY, or closed): libcurl sends
  // most such requests again by itself, but 7.88 fails a few. Where a server closes because it refuses the client
  // certificate (TLS 1.3), libcurl may find out only when it makes the next connection.
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
  // Makes the handle ready for the request.
  void use(CurlHandle handle, const CurlEndpoint& endpoint, std::size_t closed_connections);
  // The handle, if it may serve another request: libcurl counts how often it had to try again over all requests of a
  // handle, and gives up at the fifth.
  CurlHandle release_handle();

  // Whether a connection, be it another's, has closed since it took its handle.
  [[nodiscard]] bool saw_closing() const;
  // Whether all of its body has left.
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
  asio::steady_timer wake_;  // goes off when the request's time is up; cancelled when there is news, or when asked
  bool asked_ = false;
  CurlHandle handle_;
  std::size_t closed_connections_ = 0;  // when it took the handle
  CurlList headers_;
  HttpResponse response_;
  ResponseHead head_;
  std::string pieces_;  // of a stream, not yet taken by the coroutine
  bool opened_ = false;
  bool told_opened_ = false;
  bool too_large_ = false;
  bool finished_ = false;
  CURLcode result_ = CURLE_OK;
  std::array<char, CURL_ERROR_SIZE> error_{};
  const char* refusal_ = nullptr;  // CurlEndpoint::refusal_of, before another connection begins
};

}  // namespace regsync::kube
