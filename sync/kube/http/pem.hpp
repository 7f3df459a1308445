// Certificates and keys as PEM. An encrypted block counts as broken: nobody is asked for a passphrase. Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

struct x509_store_st;  // X509_STORE

namespace regsync::kube {

// True if the key is the one of the (first) certificate: a file that is just being replaced must not take the place of
// good material.
bool is_pair(std::string_view certificate_pem, std::string_view key_pem);

// What the (first) certificate says whose it is: the name of the user, where an API server reads a client's
// (k8s.io/apiserver/pkg/authentication/request/x509). Empty where there is none.
std::string common_name_of(std::string_view pem);

// The certificates of a bundle that can be decoded, one after the other, without any other block and without text:
// what AppendCertsFromPEM takes of it (Go: crypto/x509). Empty where it holds none.
std::string usable_certificates(std::string_view pem);

// The same, each in DER: as it is, however it is written.
std::vector<std::string> certificates_in(std::string_view pem);

// Adds those to what a store trusts.
void trust(x509_store_st* store, std::string_view pem);

}  // namespace regsync::kube
