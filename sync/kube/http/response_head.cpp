#include "sync/kube/http/response_head.hpp"

#include <strings.h>

#include <algorithm>

#include "sync/kube/http/retry_after.hpp"

namespace regsync::kube {

bool ResponseHead::take(std::string_view line) {
  bytes_ += line.size();
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) {
    line.remove_suffix(1);
  }
  if (line.empty()) {
    return true;
  }
  note(line);
  return false;
}

void ResponseHead::note(std::string_view line) {
  const auto is = [line](std::string_view name) {
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): its size was looked at
    return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
  };
  std::string_view value = line.substr(std::min(line.find(':'), line.size() - 1) + 1);
  while (!value.empty() && value.front() == ' ') {
    value.remove_prefix(1);
  }
  if (is("retry-after:")) {
    retry_after_ = value;
  } else if (is("date:")) {
    date_ = value;
  } else if (is("location:")) {
    location_ = value;
  } else if (is("content-type:")) {
    content_type_ = value;
  } else if (is("www-authenticate:")) {
    www_authenticate_.append(www_authenticate_.empty() ? "" : ", ").append(value);
  }
}

void ResponseHead::fill(HttpResponse& response) const {
  response.retry_after = parse_retry_after(retry_after_, date_);
  response.date = date_;
  response.location = location_;
  response.www_authenticate = www_authenticate_;
  response.content_type = content_type_;
}

}  // namespace regsync::kube
