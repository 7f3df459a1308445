#include "sync/kube/http/certificate_authorities.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.hpp"

namespace regsync::kube {
namespace {

TEST(AuthoritiesIn, AreThoseOfTheFileAndOfAllFilesInTheFolders) {
  const test::TempDir root;
  root.write("own/one.pem", "a");
  root.write("own/two", "b");
  root.write("more/three.pem", "c");
  const std::string folders =
      (root / "own").string() + "::" + (root / "missing").string() + ":" + (root / "more").string();
  EXPECT_EQ(authorities_in(root.write("bundle", "file").string(), folders), "file\na\nb\nc\n");
  EXPECT_EQ(authorities_in((root / "missing").string(), folders), "a\nb\nc\n");
  EXPECT_EQ(authorities_in("", folders), "a\nb\nc\n");
}

// To open one would wait for who writes it.
TEST(AuthoritiesIn, AFifoIsLeftOut) {
  const test::TempDir root;
  const std::string fifo = (root / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(authorities_in(fifo, root.path().string()), "");
}

}  // namespace
}  // namespace regsync::kube
