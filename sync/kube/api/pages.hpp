// Pages follows the pages of a list, and knows when it must have come to its end. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "helper/base/error.hpp"

namespace regsync::kube {

// Knows when a list must have come to its end. A cluster's largest lists have some thousands of pages; a server that
// always tells of another page would keep its client for ever.
class Pages {
 public:
  // The token of the page to ask for; empty for the first one.
  [[nodiscard]] const std::string& token() const { return token_; }
  [[nodiscard]] bool is_first() const { return token_.empty(); }

  // Goes on to the page that the last one names; false where it names none. Throws Error(protocol) for one too many.
  bool turn(std::string token) {
    constexpr std::size_t most = 10'000;
    constexpr std::size_t longest_token = 8192;  // it holds a version and a name
    if (!token.empty() && (token == token_ || token.size() > longest_token || ++turned_ > most)) {
      throw Error(ErrorCode::protocol, "a list of the API server does not come to its end",
                  "check what answers there: no real answer is like that");
    }
    token_ = std::move(token);
    return !token_.empty();
  }

 private:
  std::string token_;
  std::size_t turned_ = 0;
};

}  // namespace regsync::kube
