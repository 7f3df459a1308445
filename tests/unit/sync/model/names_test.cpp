#include "sync/model/names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace regsync {
namespace {

TEST(Names, ANamespaceIsALabelOf63CharactersAtMost) {
  for (const std::string& name :
       {std::string("a"), std::string("0"), std::string("team-a"), std::string("a--b"), std::string(63, 'a')}) {
    EXPECT_TRUE(is_label_name(name)) << name;
  }
  for (const std::string& name :
       {std::string(), std::string(64, 'a'), std::string("-a"), std::string("a-"), std::string("A"), std::string("a_b"),
        std::string("a.b"), std::string("a b"), std::string("ü"), std::string("a\n"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_label_name(name)) << name;
  }
}

TEST(Names, ASecretIsASubdomainOf253CharactersAtMost) {
  for (const std::string& name :
       {std::string("a"), std::string("a.b"), std::string("a-1.b-2.c"), std::string("1.2"), std::string(253, 'a')}) {
    EXPECT_TRUE(is_object_name(name)) << name;
  }
  for (const std::string& name : {std::string(), std::string(254, 'a'), std::string("A.b"), std::string("a/b"),
                                  std::string(".."), std::string(".a"), std::string("a."), std::string("-a.b")}) {
    EXPECT_FALSE(is_object_name(name)) << name;
  }
}

// IsDNS1123Subdomain of apimachinery: an API server refuses these.
TEST(Names, EachPartOfASubdomainBeginsAndEndsWithALetterOrDigit) {
  for (const char* name : {"a..b", "a.-b", "a-.b", "a.b-.c"}) {
    EXPECT_FALSE(is_object_name(name)) << name;
  }
}

TEST(Names, AUidIsShortAndOfCharactersThatAFileAndATerminalTake) {
  for (const std::string& uid :
       {std::string("6e1b8a1c-7a5e-4c0e-9a53-0a3c1c9f3f11"), std::string("A.b_c-9"), std::string(128, 'a')}) {
    EXPECT_TRUE(is_uid(uid)) << uid;
  }
  for (const std::string& uid :
       {std::string(), std::string(129, 'a'), std::string("a b"), std::string("aaaaaaa\xc3\xbc"),
        std::string("\x1b[2J"), std::string("a/b"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_uid(uid)) << uid;
  }
}

}  // namespace
}  // namespace regsync
