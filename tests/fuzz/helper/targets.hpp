// The fuzz targets of the helper: each aborts where what must hold for any input does not.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace regsync::fuzz {

// The first byte chooses the action, the rest is its stdin.
void protocol(std::string_view bytes);

// The first byte chooses what is read; the rest makes a D-Bus message of any types, often like the one that is
// expected.
void bus_answers(std::string_view bytes);

inline void require(bool holds, const char* what) {
  if (!holds) {
    std::cerr << "broken: " << what << "\n";
    std::abort();
  }
}

}  // namespace regsync::fuzz
