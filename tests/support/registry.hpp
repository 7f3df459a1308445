// Registry is Debian's docker-registry for a test (tests/servers/registry-up), with one user, jdoe; the destructor ends
// it.
#pragma once

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace regsync::test {

class Registry {
 public:
  enum class Login { basic, token };
  enum class Address { ipv4, ipv6 };

  // Throws std::runtime_error with the end of the log.
  explicit Registry(const std::string& password, Login login = Login::basic, Address address = Address::ipv4);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  Registry(Registry&&) = delete;
  Registry& operator=(Registry&&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }  // host:port, [::1]:port
  void set_password(const std::string& password);
  void push(const std::string& image) const;  // pushes an empty image, as "team/app:1"
  void push(const std::string& image, const std::filesystem::path& layout) const;  // that of an OCI image layout
  void stop() const;

 private:
  void up(const std::string& password);

  TempDir dir_;
  Login login_;
  Address family_;
  std::string address_;
  std::string password_;
};

// Makes an empty image in a folder, for `skopeo copy oci:FOLDER …` (OCI image layout 1.0).
std::filesystem::path make_image(const TempDir& dir);

}  // namespace regsync::test
