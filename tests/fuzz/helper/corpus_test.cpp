// Every input that was ever interesting, through its target again.
#include <gtest/gtest.h>

#include "tests/fuzz/helper/targets.hpp"
#include "tests/fuzz/replay.hpp"

namespace regsync::fuzz {
namespace {

TEST(HelperCorpus, Protocol) { replay("protocol", protocol); }
TEST(HelperCorpus, BusAnswers) { replay("bus_answers", bus_answers); }

}  // namespace
}  // namespace regsync::fuzz
