// Every input of the corpus, in the ordinary test run: what a fuzzer once found stays found.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/fuzz/helper/targets.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

TEST(FuzzCorpus, HelperProtocolHolds) {
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(CORPUS)) {
    SCOPED_TRACE(file.path());
    fuzz_helper_protocol(read_file(file));
    ++count;
  }
  EXPECT_GE(count, 16U);
}

}  // namespace
}  // namespace regsync::test
