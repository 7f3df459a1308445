// Reads certificates and keys in PEM. An encrypted block counts as broken: there is no prompt for a passphrase. Any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "helper/base/secret_string.hpp"

struct x509_store_st;  // X509_STORE

namespace regsync::kube {

// The reason why a certificate and a key cannot be used together. A half-replaced pair of files must not replace good
// material.
enum class PairFault : std::uint8_t {
  none,
  no_certificate,
  no_key,
  encrypted_key,
  other_key,  // it does not match the (first) certificate
};
PairFault pair_fault(std::string_view certificate_pem, std::string_view key_pem);

// For messages: "the key is encrypted".
std::string_view to_string(PairFault fault);

// The key in a form that OpenSSL reads. A key whose label does not match its format (PKCS#1 or SEC 1 as "PRIVATE KEY"),
// which Go accepts (crypto/tls, parsePrivateKey), is converted to PKCS#8; anything else is returned unchanged.
SecretString usable_key(std::string_view pem);

// Whether OpenSSL's security level 2, Debian's default, refuses the (first) certificate as a client certificate: for
// its key or for the signature on it.
bool is_weak(std::string_view certificate_pem);

// The common name of the (first) certificate, from which an API server takes the user name
// (k8s.io/apiserver/pkg/authentication/request/x509). Empty if there is none.
std::string common_name_of(std::string_view pem);

// The decodable certificates of a bundle, concatenated, without other blocks or text: those that AppendCertsFromPEM
// accepts (Go: crypto/x509). Empty if there are none.
std::string usable_certificates(std::string_view pem);

// The same certificates, each in DER, which is independent of how the PEM is formatted.
std::vector<std::string> certificates_in(std::string_view pem);

// Adds those certificates to the trusted ones of a store.
void trust(x509_store_st* store, std::string_view pem);

// Makes a store choose an issuer by signature, as Go does (crypto/x509, buildChains). Of several certificates with the
// issuer's name, OpenSSL takes the first and fails if another one signed: while a certificate authority is being
// replaced, a bundle holds the old and the new one, often with the same name.
void try_each_issuer(x509_store_st* store);

}  // namespace regsync::kube
