#include "sync/engine/owner_file.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <random>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"

namespace regsync {

namespace {

constexpr std::size_t id_length = 16;
constexpr std::size_t max_owner_bytes = 4096;

std::string new_id() {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::random_device random;
  std::string id(id_length, '0');
  for (char& digit : id) {
    digit = digits[random() % digits.size()];
  }
  return id;
}

std::string user_at_host() {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const passwd* user = getpwuid(geteuid());
  return (user != nullptr ? std::string(user->pw_name) : std::to_string(geteuid())) + "@" + host.data();
}

}  // namespace

Owner load_owner(const std::filesystem::path& file) {
  std::string id(trim(read_file_if_exists(file, max_owner_bytes).value_or("")));
  if (id.empty()) {
    id = new_id();
    write_whole(file, id + "\n");
  } else if (id.size() != id_length || id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw Error(ErrorCode::invalid_input, file.string() + " does not hold an owner id",
                "restore it; with a new id, the Secrets written before count as another machine's");
  }
  return {id, id + " " + user_at_host()};
}

}  // namespace regsync
