// Splits a stream of bytes into the JSON objects that it consists of, which is how a watch is framed: client-go
// (apimachinery/pkg/util/framer, NewJSONFramedReader) reads values regardless of line ends, and a proxy may add some.
// Holds at most one object, of bounded length. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace regsync::kube {

class ObjectSplitter {
 public:
  enum class Fed {
    good,
    too_long,   // an object is longer than allowed
    no_object,  // the next value is not an object
  };

  explicit ObjectSplitter(std::size_t longest) : longest_(longest) {}

  // Calls on_object with the text of each object that `bytes` completes, which may be invalid JSON; the view is valid
  // during the call. Do not call feed() again after a fault.
  template <typename OnObject>
  Fed feed(std::string_view bytes, OnObject on_object) {
    while (!bytes.empty()) {
      if (depth_ == 0) {
        constexpr std::string_view space = " \t\r\n";
        const auto begin = bytes.find_first_not_of(space);
        if (begin == std::string_view::npos) {
          return Fed::good;
        }
        bytes.remove_prefix(begin);
        if (bytes.front() != '{') {
          return Fed::no_object;
        }
      }
      const std::size_t size = scan(bytes);
      if (begun_.size() + size > longest_) {
        return Fed::too_long;
      }
      if (depth_ > 0) {
        begun_.append(bytes);
        return Fed::good;
      }
      if (begun_.empty()) {
        on_object(bytes.substr(0, size));
      } else {
        begun_.append(bytes.substr(0, size));
        on_object(std::string_view(begun_));
        begun_ = {};  // frees the memory of a large object
      }
      bytes.remove_prefix(size);
    }
    return Fed::good;
  }

  // Whether the stream so far ends within an object.
  [[nodiscard]] bool has_rest() const { return depth_ > 0; }

 private:
  // The number of bytes that belong to the current object: up to its end, with depth_ 0, or all of them.
  std::size_t scan(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const char c = bytes[i];
      if (in_text_) {
        in_text_ = escaped_ || c != '"';
        escaped_ = !escaped_ && c == '\\';
      } else if (c == '"') {
        in_text_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if ((c == '}' || c == ']') && --depth_ == 0) {
        return i + 1;
      }
    }
    return bytes.size();
  }

  const std::size_t longest_;
  std::string begun_;
  std::size_t depth_ = 0;
  bool in_text_ = false;
  bool escaped_ = false;
};

}  // namespace regsync::kube
