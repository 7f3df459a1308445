// Paced<T> caches a value that is slow to make. get() makes it again only if something changed, and seldom enough that
// making it takes a small part of the time: a report about a million Secrets may be a minute old, one about a thousand
// is not.
//
// Lives on the io_context thread; any thread may read the values.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace regsync {

// A value is kept for this many times the time that it took to make: at most a twentieth of the time is spent on it.
inline constexpr int rest_after_making = 20;

template <typename T>
class Paced {
 public:
  using Value = std::shared_ptr<const T>;

  // before: the previous value, or null.
  explicit Paced(std::function<T(const Value& before)> make) : make_(std::move(make)) {}

  // The value may have changed.
  void changed() { stale_ = true; }

  // Rethrows what `make` throws. Until the next try is due, returns the older value, if there is one.
  Value get() {
    using std::chrono::steady_clock;
    const auto begin = steady_clock::now();
    if (last_ && (!stale_ || begin < next_)) {
      return last_;
    }
    stale_ = false;  // first, so that a change during make_ is not lost
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

  // Whether the last get() may have returned an outdated value.
  [[nodiscard]] bool stale() const { return stale_; }

 private:
  std::function<T(const Value& before)> make_;
  Value last_;
  bool stale_ = true;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace regsync
