// Certificates and keys as PEM. An encrypted block counts as broken: nobody is asked for a passphrase. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "helper/base/secret_string.hpp"

struct x509_store_st;  // X509_STORE

namespace regsync::kube {

// Why a certificate and a key cannot be used together: a file that is just being replaced must not take the place of
// good material.
enum class PairFault : std::uint8_t {
  none,
  no_certificate,
  no_key,
  encrypted_key,
  other_key,  // it is not the one of the (first) certificate
};
PairFault pair_fault(std::string_view certificate_pem, std::string_view key_pem);

// For people: "the key is encrypted".
std::string_view to_string(PairFault fault);

// The key as OpenSSL reads it. One whose label names another format than it has (PKCS#1 or SEC 1 as "PRIVATE KEY"),
// which Go takes (crypto/tls, parsePrivateKey), is written anew as PKCS#8; everything else is left as it is.
SecretString usable_key(std::string_view pem);

// Whether OpenSSL's security level 2, which Debian sets, refuses the (first) certificate as one's own: for its key, or
// for the signature on it.
bool is_weak(std::string_view certificate_pem);

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

// Of several certificates with the name of an issuer, OpenSSL takes the first one, and fails where another one signed:
// while a certificate authority is replaced, a bundle holds the old and the new one, which often have one name. From
// then on the signature decides, as in Go (crypto/x509, buildChains).
void try_each_issuer(x509_store_st* store);

}  // namespace regsync::kube
