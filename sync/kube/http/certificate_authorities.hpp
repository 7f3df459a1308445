// Where the environment says that certificate authorities are, as Go has it (crypto/x509, root_unix.go). Any thread.
#pragma once

#include <string>

namespace regsync::kube {

// What is in a file, and then in all the files of the folders, which a colon separates: PEM, and maybe other things.
// What cannot be read is left out. Synchronous file I/O, which never waits for another program.
std::string authorities_in(const std::string& file, const std::string& folders);

}  // namespace regsync::kube
