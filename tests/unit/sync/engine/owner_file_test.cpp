#include "sync/engine/owner_file.hpp"

#include <gtest/gtest.h>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

TEST(OwnerFile, AnIdIsMadeOnceAndKept) {
  const test::TempDir dir;
  const Owner first = load_owner(dir / "state/owner");
  EXPECT_EQ(first.id.size(), 16U);
  EXPECT_TRUE(first.annotation.starts_with(first.id + " "));
  EXPECT_NE(first.annotation.find('@'), std::string::npos);
  EXPECT_EQ(load_owner(dir / "state/owner").id, first.id);
  EXPECT_NE(load_owner(dir / "other/owner").id, first.id);
}

// A new id would make the Secrets of the old one another machine's.
TEST(OwnerFile, AFileThatHoldsNoIdIsAnErrorAndStaysAsItIs) {
  const test::TempDir dir;
  for (const char* text : {"0123456789abcde\n", "0123456789ABCDEF\n", "0123456789abcdef0\n"}) {
    const auto file = dir.write("owner", text);
    EXPECT_THROW(load_owner(file), Error) << text;
    EXPECT_EQ(test::read_file(file), text);
  }
}

}  // namespace
}  // namespace regsync
