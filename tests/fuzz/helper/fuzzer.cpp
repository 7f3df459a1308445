#include <cstddef>
#include <cstdint>

#include "tests/fuzz/helper/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  regsync::test::fuzz_helper_protocol({reinterpret_cast<const char*>(data), size});
  return 0;
}
