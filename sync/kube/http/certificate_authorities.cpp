#include "sync/kube/http/certificate_authorities.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <sstream>
#include <system_error>
#include <vector>

#include "helper/base/file_io.hpp"

namespace regsync::kube {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_file = std::size_t{4} << 20;
constexpr std::size_t most_in_all = std::size_t{8} << 20;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

Certificate certificate_of(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
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

// In the order of their names.
std::vector<fs::path> files_of(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    files.push_back(entry->path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::string usable_certificates(std::string_view pem) {
  std::string usable;
  for_each_certificate(pem, [&](std::string_view text, X509* /*certificate*/) { usable.append(text).append("\n"); });
  return usable;
}

void trust(x509_store_st* store, std::string_view pem) {
  for_each_certificate(pem,
                       [&](std::string_view /*text*/, X509* certificate) { X509_STORE_add_cert(store, certificate); });
  ERR_clear_error();
}

std::string authorities_in(const std::string& file, const std::string& folders) {
  std::string found;
  const auto add = [&](const fs::path& path) {
    if (const auto text = found.size() < most_in_all ? try_read_file(path, largest_file) : std::nullopt) {
      found.append(*text).append("\n");
    }
  };
  if (!file.empty()) {
    add(file);
  }
  std::istringstream each(folders);
  for (std::string folder; std::getline(each, folder, ':');) {
    std::ranges::for_each(files_of(folder), add);
  }
  return found;
}

}  // namespace regsync::kube
