#include "sync/engine/owner_file.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <random>
#include <system_error>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/guarded.hpp"
#include "helper/base/shell_word.hpp"
#include "helper/base/text.hpp"
#include "sync/base/host_name.hpp"
#include "sync/base/log.hpp"
#include "sync/base/paths.hpp"

namespace regsync {

namespace {

constexpr std::size_t id_length = 16;
constexpr std::size_t max_name = 63;
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
  const passwd* user = getpwuid(geteuid());
  return (user != nullptr ? std::string(user->pw_name) : std::to_string(geteuid())) + "@" + this_host();
}

Owner owner_of(const std::string& id) { return {id, id + " " + user_at_host()}; }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= max_name && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

// Deleting the file creates a new id: no remedy may suggest that without stating the cost.
Error unusable(const Error& error, const std::string& remedy) {
  return {error.code(), error.message() + "; with another id all Secrets would count as somebody else's", remedy};
}

constexpr const char* how_to_restore =
    "restore the file from a backup; or remove it, and take back what this user and machine made: regsync sync --adopt";

std::optional<std::string> read_owner(const std::filesystem::path& file) {
  try {
    return read_file_if_exists(file, max_owner_bytes);
  } catch (const Error& error) {
    const std::string folder = shell_word(file.parent_path().string());
    const bool is_denied = ::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES;
    throw unusable(error, is_denied ? "do not delete it; make it readable for you: sudo chown -R \"$(id -un)\" " +
                                          folder + " && chmod -R u+rwX " + folder
                                    : how_to_restore);
  }
}

}  // namespace

Owner load_owner(const std::filesystem::path& file, const std::string& named) {
  if (!named.empty()) {
    if (!is_name(named)) {
      throw Error(ErrorCode::invalid_input, "\"" + presentable(named) + "\" is not a usable owner name",
                  R"(use up to 63 letters, digits, "-", "_" and ".")");
    }
    return owner_of(named);
  }
  const auto content = read_owner(file);
  if (!content) {
    const std::string id = new_id();
    write_whole(file, id + "\n");
    return owner_of(id);
  }
  const std::string id(trim(*content));
  if (id.size() != id_length || id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    const char* const what = id.empty() ? " is empty" : " does not hold an owner id";
    throw unusable(Error(ErrorCode::invalid_input, file.string() + what), how_to_restore);
  }
  return owner_of(id);
}

std::string named_owner(const std::string& option, const std::string& setting) {
  if (!option.empty()) {
    return option;
  }
  const char* variable = std::getenv("REGSYNC_OWNER");
  return variable != nullptr && *variable != '\0' ? variable : setting;
}

Owner this_owner(const Settings& settings, const std::string& option) {
  return load_owner(paths::owner(), named_owner(option, settings.owner));
}

std::filesystem::path footprints_folder(const Owner& owner) {
  if (!try_read_file(paths::footprints_owner(), max_owner_bytes)) {
    const auto problem = guarded([&] { write_whole(paths::footprints_owner(), owner.id + "\n"); });
    if (problem) {
      log::warning(describe(*problem));
    }
  }
  return known_footprints_folder(owner);
}

std::filesystem::path known_footprints_folder(const Owner& owner) {
  const auto usual = try_read_file(paths::footprints_owner(), max_owner_bytes);
  const bool is_usual = !usual || trim(*usual) == owner.id;
  return is_usual ? paths::footprints() : paths::state_home() / ("owner-" + owner.id) / "footprints";
}

Owner known_owner(const Settings& settings, const std::string& option) {
  const auto named = named_owner(option, settings.owner);
  std::error_code unknown;
  const bool none = named.empty() && std::filesystem::symlink_status(paths::owner(), unknown).type() ==
                                         std::filesystem::file_type::not_found;
  return none ? owner_of({}) : load_owner(paths::owner(), named);
}

}  // namespace regsync
