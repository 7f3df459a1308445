// The head of an answer, line by line: of its headers those that somebody wants. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sync/kube/http/http_transport.hpp"

namespace regsync::kube {

class ResponseHead {
 public:
  // In bytes, interim answers (RFC 9110, 15.2) and trailers included. Go's servers and clients stop at one MiB, nginx
  // at far less.
  static constexpr std::size_t longest = std::size_t{256} * 1024;

  // A line, with the end of it. Answers whether it is the last one.
  bool take(std::string_view line);
  [[nodiscard]] bool is_too_long() const { return bytes_ > longest; }

  // Puts what the head says, but for its status, into an answer.
  void fill(HttpResponse& response) const;

 private:
  void note(std::string_view line);

  std::size_t bytes_ = 0;
  std::string retry_after_;  // as it came: the Date that it counts from may follow
  std::string date_;
  std::string location_;
  std::string www_authenticate_;
  std::string content_type_;
};

}  // namespace regsync::kube
