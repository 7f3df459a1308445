// Reads the head of an answer line by line and keeps the headers in use. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sync/kube/http/http_transport.hpp"

namespace regsync::kube {

class ResponseHead {
 public:
  // In bytes, including interim answers (RFC 9110, 15.2) and trailers. Go's servers and clients stop at one MiB, nginx
  // at far less.
  static constexpr std::size_t longest = std::size_t{256} * 1024;

  // Takes a line with its line end. Returns whether it is the last one.
  bool take(std::string_view line);
  [[nodiscard]] bool is_too_long() const { return bytes_ > longest; }

  // Copies the headers, but not the status, to an answer.
  void fill(HttpResponse& response) const;

 private:
  void note(std::string_view line);

  std::size_t bytes_ = 0;
  std::string retry_after_;  // unparsed: the Date header that it is relative to may follow
  std::string date_;
  std::string location_;
  std::string www_authenticate_;
  std::string content_type_;
};

}  // namespace regsync::kube
