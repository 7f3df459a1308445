#include "daemon/http/fleet_site.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon/http/fleet_document.hpp"
#include "daemon/http/page.hpp"
#include "sync/base/digest.hpp"

namespace regsync {

namespace {

HttpAnswer text(int status, std::string body) {
  return {.status = status, .body = std::make_shared<const std::string>(std::move(body))};
}

HttpAnswer wrong_method(const char* allowed) {
  HttpAnswer answer = text(405, std::string(allowed) + " only\n");
  answer.allow = allowed;
  return answer;
}

HttpAnswer silent_loop() { return text(503, "the event loop does not answer\n"); }

// "host:port", "[::1]:port".
std::string without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end == std::string_view::npos ? std::string() : std::string(host.substr(1, end - 1));
  }
  return std::string(host.substr(0, host.rfind(':')));
}

bool is_address(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// Short and full names of Services. Nobody can own such a name outside of the cluster.
bool is_name_in_cluster(std::string_view host) {
  return host.find('.') == std::string_view::npos || host.ends_with(".svc") || host.ends_with(".svc.cluster.local");
}

std::string quoted_digest(std::string_view bytes) { return '"' + hex(digest_of(bytes)) + '"'; }

// RFC 9110, 13.1.2: a list, or "*". A search, because a proxy may have made our tag weak.
bool matches(std::string_view none_match, std::string_view etag) {
  return none_match == "*" || none_match.find(etag) != std::string_view::npos;
}

HttpAnswer page() {
  static const HttpAnswer answer = {.type = "text/html; charset=utf-8",
                                    .body = std::make_shared<const std::string>(page_html),
                                    .etag = quoted_digest(page_html),
                                    .policy = page_policy()};
  return answer;
}

}  // namespace

HttpAnswer FleetSite::answer(const HttpRequest& request) const {
  if (!may_be_called(request.host)) {
    return text(403, "not served under this name: call it by its address, or see --allow-host in regsyncd(8)\n");
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (audience_ == Audience::desktop && request.path == "/session") {
    return request.method == "POST" ? session(request) : wrong_method("POST");
  }
  if (!reads) {
    return wrong_method("GET, HEAD");
  }
  if (request.path == "/livez") {
    return livez();
  }
  if (request.path == "/readyz") {
    return readyz();
  }
  if (request.path == "/metrics" && audience_ != Audience::desktop) {
    return metrics();
  }
  if (audience_ != Audience::monitoring) {
    if (request.path == "/status.json") {
      return status(request);
    }
    if (request.path == "/") {
      HttpAnswer answer = page();
      if (matches(request.none_match, answer.etag)) {
        answer.status = 304;  // its policy replaces the browser's cached one
        answer.body = nullptr;
      }
      return answer;
    }
  }
  return text(404, "nothing is here\n");
}

bool FleetSite::may_be_called(std::string_view host) const {
  std::string name = without_port(host);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name.empty()) {
    return false;
  }
  return is_address(name) || name == "localhost" || sources_.hosts.contains(name) ||
         (audience_ == Audience::cluster && is_name_in_cluster(name));
}

HttpAnswer FleetSite::livez() const { return sources_.turns() ? text(200, "ok\n") : silent_loop(); }

HttpAnswer FleetSite::readyz() const {
  const auto report = sources_.report();
  if (!report) {
    return silent_loop();
  }
  const auto& contexts = report->overview.contexts;
  const auto waiting = std::ranges::count_if(
      contexts, [](const ContextStatus& context) { return !context.connected && !context.problem; });
  std::string body = report->ready() ? "ok\n" : "not yet\n";
  body += "contexts: " + std::to_string(contexts.size()) + ", " + std::to_string(waiting) + " not listed yet\n";
  for (const std::string& what : report->waits_for) {
    body += "waits for: " + what + '\n';
  }
  if (!report->role.empty()) {
    body += "role: " + report->role + '\n';
  }
  return text(report->ready() ? 200 : 503, std::move(body));
}

HttpAnswer FleetSite::metrics() const {
  const auto report = sources_.report();
  if (!report) {
    return silent_loop();
  }
  HttpAnswer answer = text(200, sources_.metrics.text() + fleet_metrics(*report, std::chrono::system_clock::now()));
  answer.type = "text/plain; version=0.0.4; charset=utf-8";
  return answer;
}

HttpAnswer FleetSite::status(const HttpRequest& request) const {
  if (access_ != nullptr && !access_->allows(request.bearer)) {
    return text(401, "open it with: regsync dashboard\n");
  }
  const auto report = sources_.report();
  if (!report) {
    return silent_loop();
  }
  const Document now = document(report);
  if (matches(request.none_match, now.etag)) {
    return {.status = 304, .etag = now.etag};
  }
  return {.type = "application/json", .body = now.body, .etag = now.etag};
}

HttpAnswer FleetSite::session(const HttpRequest& request) const {
  if (access_ == nullptr) {
    return text(404, "nothing is here\n");
  }
  if (!sources_.is_own(request)) {
    return text(403, "this page is another user's\n");
  }
  const auto key = access_->exchange(request.bearer, DashboardAccess::Clock::now());
  return key ? text(200, *key) : text(403, "this link was used already or has expired: regsync dashboard\n");
}

// Makes the document once for each report, for all clients.
FleetSite::Document FleetSite::document(const LoopQuestion::Report& report) const {
  const std::scoped_lock lock(mutex_);
  if (document_.report != report) {
    std::string body = fleet_document(*report);
    std::string etag = quoted_digest(body);
    document_ = {report, std::make_shared<const std::string>(std::move(body)), std::move(etag)};
  }
  return document_;
}

}  // namespace regsync
