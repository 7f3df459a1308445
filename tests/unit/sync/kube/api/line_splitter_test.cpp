#include "sync/kube/api/line_splitter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace regsync::kube {
namespace {

TEST(LineSplitter, LinesAreTheSameHoweverTheBytesAreCut) {
  const std::string text = "one\n\ntwo and more\nthree\nrest";
  const std::vector<std::string> lines{"one", "", "two and more", "three"};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    LineSplitter splitter(100);
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      ASSERT_TRUE(splitter.feed(std::string_view(text).substr(at, piece),
                                [&](std::string_view line) { seen.emplace_back(line); }));
    }
    EXPECT_EQ(seen, lines) << piece;
    EXPECT_TRUE(splitter.has_rest());
  }
}

TEST(LineSplitter, ALineThatIsTooLongIsRefusedBeforeItIsWhole) {
  LineSplitter splitter(4);
  const auto nothing = [](std::string_view) {};
  EXPECT_TRUE(splitter.feed("1234\n12", nothing));
  EXPECT_TRUE(splitter.feed("34", nothing));
  EXPECT_FALSE(splitter.feed("5", nothing));
}

}  // namespace
}  // namespace regsync::kube
