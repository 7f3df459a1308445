#include "helper/store/credential_store.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

bool is_name(std::string_view text) {
  try {
    require_server(text);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return false;
  }
}

bool is_secret(std::string_view text) {
  try {
    require_storable({{"ghcr.io", "alice"}, SecretString(text)});
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return false;
  }
}

TEST(Storable, IsTextOfWholeCharacters) {
  for (const std::string_view text :
       {"a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbd", "pass w\xc3\xb6rt \xf0\x9f\x94\x91"}) {
    EXPECT_TRUE(is_name(text)) << text;
    EXPECT_TRUE(is_secret(text)) << text;
  }
  for (const std::string_view text : {"\x80", "\xbf", "\xc3", "a\xc3", "\xc3(", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
                                      "\xe2\x82", "\xe2\x82(", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                                      "\xf0\x9f\x94", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", ""}) {
    EXPECT_FALSE(is_name(text)) << text;
    EXPECT_FALSE(is_secret(text)) << text;
  }
}

TEST(Storable, NamesHoldNoNoncharacters) {
  for (const std::string_view text :
       {"\xef\xbf\xbe", "a\xef\xbf\xbf", "\xef\xb7\x90", "\xef\xb7\xaf", "\xf0\x9f\xbf\xbe"}) {
    EXPECT_FALSE(is_name(text)) << text;
    EXPECT_TRUE(is_secret(text)) << text;
  }
}

}  // namespace
}  // namespace regsync
