#include "sync/kube/http/pem.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>

namespace regsync::kube {
namespace {

void openssl_free(void* bytes) { OPENSSL_free(bytes); }

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

using Text = std::unique_ptr<char, Deleter<openssl_free>>;
using Bytes = std::unique_ptr<unsigned char, Deleter<openssl_free>>;

Bio bio_of(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// Prevents a prompt for the passphrase of an encrypted block, which may also be a certificate (RFC 1421).
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

Certificate certificate_of(std::string_view pem) {
  const Bio bio = bio_of(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return certificate;
}

Key key_of(std::string_view pem) {
  const Bio bio = bio_of(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

// The key of the first block, if its label is that of a private key.
Key mislabelled_key_of(std::string_view pem) {
  const Bio bio = bio_of(pem);
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  if (PEM_read_bio(bio.get(), &label, &header, &bytes, &size) != 1) {
    ERR_clear_error();
    return {};
  }
  const Text owned_label(label);
  const Text owned_header(header);
  const Bytes owned_bytes(bytes);
  const bool is_plain = std::string_view(header).empty() && std::string_view(label).ends_with("PRIVATE KEY");
  const unsigned char* at = bytes;
  Key key(is_plain ? d2i_AutoPrivateKey(nullptr, &at, size) : nullptr);
  ERR_clear_error();
  return key;
}

int is_issuer(X509_STORE_CTX* /*chain*/, X509* certificate, X509* issuer) {
  EVP_PKEY* const key = X509_get0_pubkey(issuer);
  const bool signed_it =
      X509_check_issued(issuer, certificate) == X509_V_OK && key != nullptr && X509_verify(certificate, key) == 1;
  ERR_clear_error();
  return signed_it ? 1 : 0;
}

// Calls `use` with the text and the certificate of each block that is a certificate.
template <typename Use>
void for_each_certificate(std::string_view pem, Use use) {
  constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view end = "-----END CERTIFICATE-----";
  for (auto at = pem.find(begin); at != std::string_view::npos;) {
    const auto next = pem.find(begin, at + begin.size());
    const std::string_view block = pem.substr(at, next == std::string_view::npos ? next : next - at);
    const auto closed = block.find(end);
    if (closed != std::string_view::npos) {
      if (const Certificate certificate = certificate_of(block)) {
        use(block.substr(0, closed + end.size()), certificate.get());
      }
    }
    at = next;
  }
}

}  // namespace

PairFault pair_fault(std::string_view certificate_pem, std::string_view key_pem) {
  const Certificate certificate = certificate_of(certificate_pem);
  if (!certificate) {
    return PairFault::no_certificate;
  }
  const Key key = key_of(key_pem);
  if (!key) {
    return key_pem.find("ENCRYPTED") == std::string_view::npos ? PairFault::no_key : PairFault::encrypted_key;
  }
  const bool is_its_own = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return is_its_own ? PairFault::none : PairFault::other_key;
}

std::string_view to_string(PairFault fault) {
  switch (fault) {
    case PairFault::none:
      return "they are a pair";
    case PairFault::no_certificate:
      return "the certificate is not PEM, or cannot be read";
    case PairFault::no_key:
      return "the key is not PEM, or cannot be read";
    case PairFault::encrypted_key:
      return "the key is encrypted";
    case PairFault::other_key:
      return "the key is not the one of the (first) certificate";
  }
  return "";
}

SecretString usable_key(std::string_view pem) {
  if (key_of(pem)) {
    return SecretString(pem);
  }
  const Key key = mislabelled_key_of(pem);
  const Bio bio(BIO_new(BIO_s_mem()));  // wiped when freed and when it grows (BUF_MEM_grow_clean)
  if (!key || PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    ERR_clear_error();
    return SecretString(pem);
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return SecretString({text, static_cast<std::size_t>(size)});
}

bool is_weak(std::string_view certificate_pem) {
  constexpr int least_bits = 112;  // of security, see SSL_CTX_set_security_level(3ssl)
  const Certificate certificate = certificate_of(certificate_pem);
  if (!certificate) {
    return false;
  }
  const EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  int signature = least_bits;
  if ((X509_get_extension_flags(certificate.get()) & EXFLAG_SS) == 0) {  // self-signatures are not checked
    X509_get_signature_info(certificate.get(), nullptr, nullptr, &signature, nullptr);
  }
  ERR_clear_error();
  return (key != nullptr && EVP_PKEY_get_security_bits(key) < least_bits) || signature < least_bits;
}

std::string common_name_of(std::string_view pem) {
  const Certificate certificate = certificate_of(pem);
  if (!certificate) {
    return {};
  }
  std::array<char, 256> name{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                                             static_cast<int>(name.size()));
  return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string usable_certificates(std::string_view pem) {
  std::string usable;
  for_each_certificate(pem, [&](std::string_view text, X509* /*certificate*/) { usable.append(text).append("\n"); });
  return usable;
}

std::vector<std::string> certificates_in(std::string_view pem) {
  std::vector<std::string> certificates;
  for_each_certificate(pem, [&](std::string_view /*text*/, X509* certificate) {
    std::vector<unsigned char> der(static_cast<std::size_t>(std::max(i2d_X509(certificate, nullptr), 0)));
    auto* at = der.data();
    i2d_X509(certificate, &at);
    certificates.emplace_back(der.begin(), der.end());
  });
  return certificates;
}

void trust(x509_store_st* store, std::string_view pem) {
  for_each_certificate(pem,
                       [&](std::string_view /*text*/, X509* certificate) { X509_STORE_add_cert(store, certificate); });
  ERR_clear_error();
}

void try_each_issuer(x509_store_st* store) { X509_STORE_set_check_issued(store, &is_issuer); }

}  // namespace regsync::kube
