// Splits a stream of bytes into the JSON objects that it consists of, which is how a watch is framed: client-go
// (apimachinery/pkg/util/framer, NewJSONFramedReader) reads values and cares for no line ends, and a proxy may add
// some. Holds at most one object, of bounded length. Pure; any thread.
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
    no_object,  // what begins is none
  };

  explicit ObjectSplitter(std::size_t longest) : longest_(longest) {}

  // Calls on_object for the text of each object that `bytes` completes; the view is valid during the call, and a parser
  // must judge it. Nothing may be fed after a fault.
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
        begun_ = {};  // gives back what a large object took
      }
      bytes.remove_prefix(size);
    }
    return Fed::good;
  }

  // The beginning of an object whose end has not come.
  [[nodiscard]] bool has_rest() const { return depth_ > 0; }

 private:
  // How many of the bytes belong to the object: those up to its end (depth_ is 0 then), or all.
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
