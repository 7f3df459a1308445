#include "sync/kube/http/pem.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <memory>

namespace regsync::kube {
namespace {

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

Bio bio_of(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// Never asks a terminal for the passphrase of an encrypted block: a certificate may be one as well (RFC 1421).
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

Certificate certificate_of(std::string_view pem) {
  const Bio bio = bio_of(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return certificate;
}

// Calls `use` with the text of each block that is a certificate, and with the certificate.
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

bool is_pair(std::string_view certificate_pem, std::string_view key_pem) {
  const Certificate certificate = certificate_of(certificate_pem);
  const Bio bio = bio_of(key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  const bool pair = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return pair;
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

}  // namespace regsync::kube
