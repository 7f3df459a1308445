// A libFuzzer program of one target.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace regsync::fuzz {
void REGSYNC_FUZZ_TARGET(std::string_view bytes);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  regsync::fuzz::REGSYNC_FUZZ_TARGET(std::string_view(reinterpret_cast<const char*>(bytes), size));
  return 0;
}
