// Reads the certificate authorities that the environment names, as Go does (crypto/x509, root_unix.go). Any thread.
#pragma once

#include <string>

namespace regsync::kube {

// The contents of a file and of all files in the folders (separated by colons), concatenated: PEM and possibly other
// text. Skips what cannot be read. Synchronous file I/O, which never waits for another program.
std::string authorities_in(const std::string& file, const std::string& folders);

}  // namespace regsync::kube
