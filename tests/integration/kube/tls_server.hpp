// A TLS server of openssl's, and certificates for it and for its clients.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/kube/http/http_client.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {

class TlsServer : public ::testing::Test {
 protected:
  // s_server(1ssl) with the certificate of a CA of its own, "ca.crt".
  void start(std::vector<std::string> options) {
    make_key("ca", {"-x509", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1"});
    std::vector<std::string> argv = {"openssl",      "s_server", "-accept",      "0",   "-cert",
                                     path("ca.crt"), "-key",     path("ca.key"), "-www"};
    argv.insert(argv.end(), options.begin(), options.end());
    server_ = std::make_unique<test::Process>(test::Program{std::move(argv), environment_, ""});
    ASSERT_TRUE(test::wait_until([this] { return server_->out().find("ACCEPT") != std::string::npos; }));
    const std::string out = server_->out();
    const auto end = out.find('\n', out.find("ACCEPT"));
    const auto colon = out.rfind(':', end);  // "ACCEPT [::]:37471"
    url_ = "https://127.0.0.1:" + out.substr(colon + 1, end - colon - 1);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return (dir_ / name).string(); }

  void openssl(std::vector<std::string> argv) {
    argv.insert(argv.begin(), "openssl");
    const auto made = test::run_program({std::move(argv), environment_, ""});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  // A key (of an elliptic curve, unless -newkey says otherwise), and its certificate or a request for one.
  void make_key(const std::string& name, const std::vector<std::string>& options) {
    std::vector<std::string> argv = {"req",  "-nodes",           "-subj", "/CN=" + name, "-keyout", path(name + ".key"),
                                     "-out", path(name + ".crt")};
    if (std::ranges::find(options, "-newkey") == options.end()) {
      argv.insert(argv.end(), {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"});
    }
    argv.insert(argv.end(), options.begin(), options.end());
    openssl(std::move(argv));
  }

  HttpClient make_client() { return {loop_.get_executor(), {.server = url_, .tls_server_name = "", .proxy_url = ""}}; }

  test::TempDir dir_;
  test::Environment environment_ = test::sandbox(dir_);
  std::unique_ptr<test::Process> server_;
  std::string url_;
  asio::io_context loop_;
};

}  // namespace regsync::kube
