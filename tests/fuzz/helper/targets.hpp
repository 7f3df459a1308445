// What must hold for any input of the helper; aborts where it does not.
#pragma once

#include <string_view>

namespace regsync::test {

// The first byte chooses the action, the rest is its stdin.
void fuzz_helper_protocol(std::string_view bytes);

}  // namespace regsync::test
