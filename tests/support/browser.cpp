#include "tests/support/browser.hpp"

#include <chrono>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <utility>

#include "sync/base/base64.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {

using nlohmann::json;

namespace {

constexpr const char* driver_program = "/usr/bin/chromedriver";
constexpr const char* browser_program = "/usr/bin/chromium";

}  // namespace

class Browser::Impl {
 public:
  Impl() : url_("http://127.0.0.1:" + start_driver()) {
    const json arguments = {"--headless=new",
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-quic",
                            "--no-first-run",
                            "--disable-background-networking",
                            "--disable-component-update",
                            "--disable-sync",
                            "--disable-dev-shm-usage",
                            "--user-data-dir=" + (home_ / "browser").string()};
    const json options = {{"binary", browser_program}, {"args", arguments}};
    const json session = call("/session", {{"capabilities", {{"alwaysMatch", {{"goog:chromeOptions", options}}}}}});
    url_ += "/session/" + session.at("sessionId").get<std::string>();
  }

  ~Impl() { static_cast<void>(curl({"-X", "DELETE", url_})); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  Impl(Impl&&) = delete;
  Impl& operator=(Impl&&) = delete;

  // Returns the value of the answer.
  json call(const std::string& path, const json& body) {
    const auto answer = curl({"-d", "@-", "-H", "Content-Type: application/json", url_ + path}, body.dump());
    json value = json::parse(answer.out, nullptr, false).value("value", json());
    if (answer.exit_code != 0 || (value.is_object() && value.contains("error"))) {
      throw std::runtime_error(path + ": " + answer.err + value.dump());
    }
    return value;
  }

  void devtools(const std::string& command, const json& parameters) {
    call("/goog/cdp/execute", {{"cmd", command}, {"params", parameters}});
  }

  json get(const std::string& path) { return json::parse(curl({url_ + path}).out).at("value"); }

 private:
  [[nodiscard]] Outcome curl(std::vector<std::string> arguments, std::string in = {}) const {
    arguments.insert(arguments.begin(), {"curl", "-sS", "--noproxy", "*", "--max-time", "60"});
    return run_program({.argv = std::move(arguments), .env = own_environment(), .in = std::move(in)},
                       std::chrono::seconds(70));
  }

  // Starts chromedriver and returns its port. It picks a free IPv6 port and then needs the same IPv4 port; if another
  // program has that, it exits and is started again.
  std::string start_driver() {
    const std::regex started("started successfully on port ([0-9]+)");
    std::smatch port;
    std::string text;
    if (!wait_until([&] {
          if (!driver_ || !driver_->running()) {
            const Program program{.argv = {driver_program, "--port=0"}, .env = sandbox(home_), .in = {}};
            driver_ = std::make_unique<Process>(program);
          }
          text = driver_->out();
          return std::regex_search(text, port, started);
        })) {
      throw std::runtime_error("chromedriver: " + text + driver_->err());
    }
    return port[1].str();
  }

  TempDir home_;
  std::unique_ptr<Process> driver_;
  std::string url_;
};

bool Browser::exists() { return std::filesystem::exists(driver_program) && std::filesystem::exists(browser_program); }

Browser::Browser() : impl_(std::make_unique<Impl>()) {}

Browser::~Browser() = default;

void Browser::open(const std::string& url) { impl_->call("/url", {{"url", url}}); }

json Browser::run(const std::string& script) {
  return impl_->call("/execute/sync", {{"script", script}, {"args", json::array()}});
}

void Browser::resize(int width, int height) {
  impl_->devtools("Emulation.setDeviceMetricsOverride",
                  {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", width < 600}});
}

void Browser::use_dark(bool dark) {
  const json feature = {{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}};
  impl_->devtools("Emulation.setEmulatedMedia", {{"features", json::array({feature})}});
}

void Browser::take_picture(const std::filesystem::path& png) {
  const auto bytes = base64_decode(impl_->get("/screenshot").get<std::string>());
  std::ofstream(png, std::ios::binary) << bytes.value_or("");
}

}  // namespace regsync::test
