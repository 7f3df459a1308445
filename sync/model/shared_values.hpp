// SharedValues stores equal values once, for as long as somebody holds them: for data that thousands of objects have in
// common.
#pragma once

#include <map>
#include <memory>
#include <utility>

namespace regsync {

// Must outlive the values that it returns. One thread.
template <typename T>
class SharedValues {
 public:
  SharedValues() = default;
  SharedValues(const SharedValues&) = delete;
  SharedValues& operator=(const SharedValues&) = delete;
  SharedValues(SharedValues&&) = delete;
  SharedValues& operator=(SharedValues&&) = delete;
  ~SharedValues() = default;

  // Returns the stored value that equals this. Never null.
  std::shared_ptr<const T> share(T value) {
    const auto known = values_.try_emplace(std::move(value)).first;
    auto shared = known->second.lock();
    if (!shared) {
      shared = {&known->first, [this, known](const T*) { values_.erase(known); }};
      known->second = shared;
    }
    return shared;
  }

 private:
  std::map<T, std::weak_ptr<const T>> values_;
};

}  // namespace regsync
