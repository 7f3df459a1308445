#include "sync/kube/api/list_splitter.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "helper/base/error.hpp"

namespace regsync::kube {
namespace {

// A page has as many items as requested, some hundreds. This limit is for a server that ignores `limit`.
constexpr std::size_t most_items = 100'000;
// An item that is too large to parse is a fault of that item alone; only one without an end invalidates the page.
constexpr JsonBounds oversize_bounds{.depth = std::numeric_limits<std::size_t>::max(),
                                     .values = std::numeric_limits<std::size_t>::max()};
// The members beside the items: versions, a continue token.
constexpr JsonBounds envelope_bounds{.bytes = std::size_t{1} << 20, .depth = 20, .values = 10'000};

}  // namespace

void ListSplitter::skip_space() {
  while (peek() == ' ' || peek() == '\n' || peek() == '\r' || peek() == '\t') {
    ++at_;
  }
}

void ListSplitter::expect(char c) {
  skip_space();
  if (at_ >= text_.size() || text_[at_] != c) {
    fail();
  }
  ++at_;
}

void ListSplitter::fail() const {
  throw Error(ErrorCode::protocol, at_ >= text_.size() ? "ends too soon" : "is not a JSON object",
              "check that nothing between this machine and the API server cuts or changes its answers");
}

std::string_view ListSplitter::value(const JsonBounds& bounds) {
  skip_space();
  const std::size_t begin = at_;
  const std::size_t end = end_of_value(text_, begin, bounds);
  if (end == begin) {
    fail();
  }
  if (end == std::string_view::npos) {
    at_ = text_.size();
    fail();
  }
  at_ = end;
  return text_.substr(begin, end - begin);
}

std::optional<std::string_view> ListSplitter::next() {
  if (!begun_) {
    expect('{');
    begun_ = true;
    envelope_ = "{";
  }
  while (!ended_) {
    if (in_items_) {
      if (auto item = next_item()) {
        return item;
      }
    }
    skip_space();
    if (peek() == '}') {
      ended_ = true;
      break;
    }
    if (peek() == ',') {
      ++at_;
    }
    const std::string_view key = value();
    expect(':');
    skip_space();
    if (key == "\"items\"" && peek() == '[') {
      ++at_;
      in_items_ = true;
      continue;
    }
    const std::string_view member = value();
    envelope_.append(envelope_.size() > 1 ? "," : "").append(key).append(":").append(member);
    if (envelope_.size() > envelope_bounds.bytes) {
      throw Error(ErrorCode::protocol, "has more than 1 MiB around its items");
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> ListSplitter::next_item() {
  skip_space();
  if (peek() == ',') {
    ++at_;
    skip_space();
  }
  if (peek() == ']') {
    ++at_;
    in_items_ = false;
    return std::nullopt;
  }
  if (++items_ > most_items) {
    throw Error(ErrorCode::protocol, "has more than " + std::to_string(most_items) + " items");
  }
  oversize_ = false;
  try {
    return value();
  } catch (const Error&) {
    oversize_ = true;
    return value(oversize_bounds);
  }
}

nlohmann::json ListSplitter::envelope() const { return parse_bounded(envelope_ + "}", envelope_bounds); }

}  // namespace regsync::kube
