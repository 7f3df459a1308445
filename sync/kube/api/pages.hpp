// Pages follows the pages of a list, and detects lists that never end. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "helper/base/error.hpp"

namespace regsync::kube {

// The largest lists of a cluster have some thousands of pages; a server that always names another page would keep its
// client busy for ever.
class Pages {
 public:
  // The token of the page to request; empty for the first one.
  [[nodiscard]] const std::string& token() const { return token_; }
  [[nodiscard]] bool is_first() const { return token_.empty(); }

  // Advances to the page that the last one names; false if it names none. Throws Error(protocol) for one too many.
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
