#include "sync/base/yaml_bounds.hpp"

#include <gtest/gtest.h>

#include <string>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

TEST(YamlBounds, CountWhatMayBeginAValue) {
  EXPECT_NO_THROW(require_yaml_within("a: [b, c]\nd: LS0tLS1CRUdJTg==\n", 6));
  EXPECT_NO_THROW(require_yaml_within(std::string(1'000'000, 'x'), 0));
  for (const char value : {'[', '{', ',', ':', '\n', '-', '?', '*', '&', '!'}) {
    EXPECT_NO_THROW(require_yaml_within(std::string(100, value), 100));
    EXPECT_THROW(require_yaml_within(std::string(101, value), 100), Error) << value;
  }
}

}  // namespace
}  // namespace regsync
