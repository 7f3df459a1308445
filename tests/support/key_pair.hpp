// Makes keys with certificates by openssl(1ssl). Each takes a few milliseconds, so reuse them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {

// All in PEM.
struct KeyPair {
  std::string certificate;
  std::string key;
  std::string locked_key;  // the same under a passphrase
};

// Runs openssl(1ssl) in a folder and expects success.
inline void run_openssl(const TempDir& dir, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  const Outcome made =
      run_program({.argv = std::move(arguments), .env = sandbox(dir), .in = {}, .directory = dir.path()});
  EXPECT_EQ(made.exit_code, 0) << made.err;
}

// `algorithm`: the argument of `openssl req -newkey`, and further options.
inline KeyPair make_key_pair(const std::vector<std::string>& algorithm = {"ec", "-pkeyopt",
                                                                          "ec_paramgen_curve:prime256v1"}) {
  const TempDir dir;
  std::vector<std::string> request{"req",      "-x509",   "-nodes", "-days", "2",   "-subj",
                                   "/CN=test", "-keyout", "key",    "-out",  "crt", "-newkey"};
  request.insert(request.end(), algorithm.begin(), algorithm.end());
  run_openssl(dir, std::move(request));
  run_openssl(dir, {"pkey", "-in", "key", "-aes128", "-passout", "pass:hunter2", "-traditional", "-out", "locked"});
  return {read_file(dir / "crt"), read_file(dir / "key"), read_file(dir / "locked")};
}

// Converts a key to PKCS#1 or SEC 1.
inline std::string in_old_format(const std::string& key) {
  const TempDir dir;
  dir.write("key", key);
  run_openssl(dir, {"pkey", "-in", "key", "-traditional", "-out", "old"});
  return read_file(dir / "old");
}

}  // namespace regsync::test
