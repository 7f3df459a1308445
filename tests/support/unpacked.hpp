// Programs of Debian packages that are unpacked for the tests and never installed (tests/tools/packages: unpack).
#pragma once

#include <filesystem>
#include <string_view>

namespace regsync::test {

// The folder that holds such a package; it exists once tests/tools/install has run.
std::filesystem::path unpacked(std::string_view package);

}  // namespace regsync::test
