// Certificate authorities as Go reads them (crypto/x509): what cannot be decoded is left out, and the rest counts. Any
// thread.
#pragma once

#include <string>
#include <string_view>

struct x509_store_st;  // X509_STORE

namespace regsync::kube {

// The certificates of a bundle that can be decoded, one after the other, without any other block and without text:
// what AppendCertsFromPEM takes of it. Empty where it holds none.
std::string usable_certificates(std::string_view pem);

// Adds those to what a store trusts.
void trust(x509_store_st* store, std::string_view pem);

// What is in a file, and then in all the files of the folders, which a colon separates: PEM, and maybe other things
// (root_unix.go). What cannot be read is left out. Synchronous file I/O, which never waits for another program.
std::string authorities_in(const std::string& file, const std::string& folders);

}  // namespace regsync::kube
