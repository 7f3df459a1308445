// A libFuzzer program of one target (REGSYNC_FUZZ_TARGET).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/helper/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  regsync::fuzz::REGSYNC_FUZZ_TARGET(std::string_view(reinterpret_cast<const char*>(bytes), size));
  return 0;
}
