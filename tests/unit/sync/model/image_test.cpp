#include "sync/model/image.hpp"

#include <gtest/gtest.h>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

TEST(Image, IsReadAsRuntimesDo) {
  const auto is = [](const char* text, const char* host, const char* repository, const char* reference) {
    const Image image = parse_image(text);
    EXPECT_EQ(image.host, host) << text;
    EXPECT_EQ(image.repository, repository) << text;
    EXPECT_EQ(image.reference, reference) << text;
  };
  is("nginx", "docker.io", "library/nginx", "latest");
  is("nginx:1", "docker.io", "library/nginx", "1");
  is("acme/app", "docker.io", "acme/app", "latest");
  is("index.docker.io/nginx", "docker.io", "library/nginx", "latest");
  is("localhost/app", "localhost", "app", "latest");
  is("host:5000/a/b:c", "host:5000", "a/b", "c");
  is("ghcr.io/a/b:tag@sha256:0123", "ghcr.io", "a/b", "sha256:0123");
  for (const char* bad :
       {"", "ghcr.io/", "ghcr.io/UPPER", "a//b", "a b", "a:", "ghcr.io/a\r\nX: y", "127.0.0.1@evil.test/a:1"}) {
    EXPECT_THROW(parse_image(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace regsync
