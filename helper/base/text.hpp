// Text from outside, made fit to be shown. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

// One line of what a server or another program says: no control characters, no request body echoed back, valid UTF-8 if
// `raw` is, at most 600 bytes.
std::string presentable(std::string_view raw);

}  // namespace regsync
