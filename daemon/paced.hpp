// Paced<T> is a value that takes time to make. It is made when somebody asks for it and something changed, and so
// seldom that its making takes a small part of the time at most: a report over a million Secrets may be a minute old,
// one over a thousand is not.
//
// Lives on the io_context thread; the values may be read on any.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace regsync {

// How much longer than its making took such a value is left alone: at most a twentieth of the time is spent on it.
inline constexpr int rest_after_making = 20;

template <typename T>
class Paced {
 public:
  using Value = std::shared_ptr<const T>;

  // before: what was made last; null at first.
  explicit Paced(std::function<T(const Value& before)> make) : make_(std::move(make)) {}

  // The value may be another one now.
  void changed() { stale_ = true; }

  // Throws what the making throws; until it is time to try again, the older value is what there is.
  Value get() {
    using std::chrono::steady_clock;
    const auto begin = steady_clock::now();
    if (last_ && (!stale_ || begin < next_)) {
      return last_;
    }
    stale_ = false;  // first: what changes while it is made counts
    const auto rest = [&] {
      const auto end = steady_clock::now();
      next_ = end + rest_after_making * (end - begin);
    };
    try {
      last_ = std::make_shared<const T>(make_(last_));
    } catch (const std::exception&) {
      stale_ = true;
      rest();
      throw;
    }
    rest();
    return last_;
  }

  // Whether the last get() may have shown what is no longer so.
  [[nodiscard]] bool stale() const { return stale_; }

 private:
  std::function<T(const Value& before)> make_;
  Value last_;
  bool stale_ = true;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace regsync
