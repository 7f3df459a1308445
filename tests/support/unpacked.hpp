// Finds programs of Debian packages that are unpacked for the tests but not installed (tests/tools/packages: unpack).
#pragma once

#include <filesystem>
#include <string_view>

namespace regsync::test {

// Returns the folder of such a package; it exists once tests/tools/install has run.
std::filesystem::path unpacked(std::string_view package);

}  // namespace regsync::test
