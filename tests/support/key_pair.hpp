// Keys with their certificates, made by openssl(1ssl). A few milliseconds each: keep them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {

// PEM, each.
struct KeyPair {
  std::string certificate;
  std::string key;
  std::string locked_key;  // the same under a passphrase
};

inline KeyPair make_key_pair() {
  const TempDir dir;
  const auto openssl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const Outcome made =
        run_program({.argv = std::move(arguments), .env = sandbox(dir), .in = {}, .directory = dir.path()});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  };
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
           "/CN=test", "-keyout", "key", "-out", "crt"});
  openssl({"ec", "-in", "key", "-aes128", "-passout", "pass:hunter2", "-out", "locked"});
  return {read_file(dir / "crt"), read_file(dir / "key"), read_file(dir / "locked")};
}

}  // namespace regsync::test
