#include "sync/logins/login_files.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/shell_word.hpp"
#include "sync/base/file_stamp.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/logins/docker_config_file.hpp"

namespace regsync {

namespace {

namespace fs = std::filesystem;

// More is a mistake, such as naming / or a home folder.
constexpr std::size_t max_files = 1000;

// A folder, a mounted Secret in it, and a projected path in that.
constexpr int max_depth = 3;

struct Found {
  std::vector<fs::path> files;
  std::vector<fs::path> folders;  // subfolders of the given one
};

// Kubernetes swaps `..data`, and removes `..2024_…`; an editor's copy ends in "~".
bool is_of_interest(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.starts_with("..") && !name.ends_with('~');
}

void find_files(const fs::path& folder, int depth, Found& found) {
  std::vector<fs::path> entries;
  try {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (is_of_interest(entry.path())) {
        entries.push_back(entry.path());
      }
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorCode::invalid_input, folder.string() + " cannot be read: " + error.code().message(),
                "make it readable: ls -la " + shell_word(folder.string()));
  }
  std::ranges::sort(entries);
  for (const auto& entry : entries) {
    std::error_code unreadable;  // reading it as a file then reports why
    if (fs::is_directory(entry, unreadable)) {
      if (depth < max_depth) {
        found.folders.push_back(entry);
        find_files(entry, depth + 1, found);
      }
    } else {
      found.files.push_back(entry);
    }
    if (found.files.size() > max_files) {
      throw Error(ErrorCode::invalid_input,
                  folder.string() + " holds more than " + std::to_string(max_files) + " files",
                  "name a folder that holds logins only");
    }
  }
}

// Keeps the first problem and counts the others.
class Problems {
 public:
  void add(std::optional<Error> problem) {
    if (problem) {
      ++count_;
      if (!first_) {
        first_ = std::move(problem);
      }
    }
  }

  [[nodiscard]] std::optional<Error> summary() const {
    if (count_ < 2) {
      return first_;
    }
    return Error(first_->code(),
                 first_->message() + " (and " + std::to_string(count_ - 1) + " more of the login files)",
                 first_->remedy());
  }

 private:
  std::optional<Error> first_;
  std::size_t count_ = 0;
};

bool shows(const StoreReading& reading, const RegistryKey& registry) {
  return std::ranges::any_of(reading.credentials, [&](const Credential& credential) {
    return RegistryKey(credential.login.server) == registry;
  });
}

Error vanished(const fs::path& file) {
  return {ErrorCode::file_missing, "the login file " + file.string() + " is gone; its logins stay in use",
          "put it back, or write the login to another one"};
}

}  // namespace

LoginFiles::Content LoginFiles::parse(const fs::path& path, const std::set<RegistryKey>& asked) {
  const std::int64_t modified_ns = stamp_of(path.string()).modified_ns;  // before reading: never newer than it
  const DockerConfigFile file(path, DockerConfigFile::Form::login_file);
  if (file.is_blank()) {
    std::error_code unknown;
    const bool missing = fs::symlink_status(path, unknown).type() == fs::file_type::not_found;
    throw Error(
        missing ? ErrorCode::file_missing : ErrorCode::invalid_input,
        missing ? "there is no login file " + path.string() : "the login file " + path.string() + " holds nothing",
        "write it: podman login --authfile " + shell_word(path.string()) + " REGISTRY; a file without logins holds {}");
  }
  if (file.has_odd_auths()) {
    throw Error(ErrorCode::invalid_input, "\"auths\" in the login file " + path.string() + " is not an object",
                "write it as {\"auths\": {\"REGISTRY\": {\"auth\": …}}}");
  }
  Content content;
  content.changed = std::chrono::floor<std::chrono::seconds>(
      std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(modified_ns)));
  std::vector<std::string> unreadable;
  for (Credential& credential : file.plain_logins(&unreadable)) {
    const RegistryKey registry(credential.login.server);
    content.all.push_back(credential.login);
    if (!asked.contains(registry)) {
      continue;
    }
    const bool is_first = std::ranges::none_of(
        content.credentials, [&](const Credential& other) { return RegistryKey(other.login.server) == registry; });
    if (is_first) {
      content.credentials.push_back(std::move(credential));
    }
  }
  for (const std::string& server : unreadable) {
    content.problems.insert_or_assign(
        RegistryKey(server),
        Error(ErrorCode::unusable_login, "the login for " + server + " in " + path.string() + " cannot be read",
              file.is_table_of_logins()
                  ? "correct its entry there"  // podman would write another format, without the other logins
                  : "write it again: podman login --authfile " + shell_word(path.string()) + " " + shell_word(server)));
  }
  if (const auto helper = file.store_helper()) {
    for (const std::string& server : file.blank_entries()) {
      content.problems.insert_or_assign(
          RegistryKey(server), Error(ErrorCode::login_missing,
                                     path.string() + " leaves the login for " + server + " to docker-credential-" +
                                         *helper + " (credsStore)",
                                     R"(name that helper for the registry there: "credHelpers": {")" + server +
                                         R"(": ")" + *helper + R"("})"));
    }
  }
  content.helpers = file.foreign_helpers();
  return content;
}

// Adds the known logins of a file. readable: whether the file can be read now.
void LoginFiles::add(StoreReading& reading, const fs::path& file, bool readable) {
  reading.collections.push_back(
      {.path = file.string(), .label = file.string(), .locked = !readable, .is_default = false, .is_file = true});
  const auto known = contents_.find(file);
  if (known == contents_.end()) {
    return;
  }
  for (const Login& login : known->second.all) {
    reading.all.push_back({login, file.string(), known->second.changed});
  }
  for (const Credential& credential : known->second.credentials) {
    if (!shows(reading, RegistryKey(credential.login.server))) {
      reading.credentials.push_back(credential.clone());
    }
  }
  for (const auto& [registry, problem] : known->second.problems) {
    if (reading.asked.contains(registry)) {
      reading.problems.try_emplace(registry, problem);
    }
  }
  for (const auto& [registry, helper] : known->second.helpers) {
    helpers_.try_emplace(registry, helper);
  }
}

StoreReading LoginFiles::read(const std::set<RegistryKey>& asked) {
  StoreReading reading;
  reading.asked = asked;
  reading.provider = StoreProvider{.program = login_files_program, .pid = 0, .bus_name = {}};
  helpers_.clear();
  followed_ = paths_;
  Problems problems;
  std::set<fs::path> present;
  for (const fs::path& path : paths_) {
    Found found;
    std::error_code missing;
    if (fs::is_directory(path, missing)) {
      const auto problem = guarded([&] { find_files(path, 1, found); });
      problems.add(problem);
      reading.collections.push_back({.path = path.string(),
                                     .label = path.string(),
                                     .locked = problem.has_value(),
                                     .is_default = false,
                                     .is_file = true});
      followed_.insert(followed_.end(), found.folders.begin(), found.folders.end());
      followed_.insert(followed_.end(), found.files.begin(), found.files.end());
    } else {
      found.files.push_back(path);
    }
    for (const fs::path& file : found.files) {
      if (present.insert(file).second) {
        const auto problem = guarded([&] { contents_.insert_or_assign(file, parse(file, asked)); });
        problems.add(problem);
        add(reading, file, !problem);
      }
    }
  }
  // Logins of a file that vanished from a folder stay as long as no other file has them.
  std::erase_if(contents_, [&](const auto& item) {
    if (present.contains(item.first)) {
      return false;
    }
    const auto& credentials = item.second.credentials;
    const bool needed =
        std::ranges::any_of(credentials,
                            [&](const Credential& credential) {
                              const RegistryKey registry(credential.login.server);
                              return asked.contains(registry) && !shows(reading, registry);
                            }) ||
        std::ranges::any_of(item.second.helpers, [&](const auto& helper) { return !helpers_.contains(helper.first); });
    if (needed) {
      problems.add(vanished(item.first));
      add(reading, item.first, false);
    }
    return !needed;
  });
  for (const Credential& credential : reading.credentials) {
    reading.problems.erase(RegistryKey(credential.login.server));
  }
  std::ranges::stable_sort(reading.all, {}, [](const KeptLogin& kept) { return kept.login.server; });
  reading.problem = problems.summary();
  if (reading.problem) {  // an unreadable file may hold the missing ones; others are not affected
    for (const RegistryKey& registry : asked) {
      if (!shows(reading, registry)) {
        reading.problems.try_emplace(registry, *reading.problem);
      }
    }
  }
  return reading;
}

StoreReading LoginFiles::read_all() {
  std::set<RegistryKey> registries;
  for (const KeptLogin& kept : read({}).all) {
    registries.insert(RegistryKey(kept.login.server));
  }
  return read(registries);
}

StoreReading merge_readings(StoreReading files, const std::optional<StoreReading>& store) {
  const auto in_files = [&](const RegistryKey& registry) { return shows(files, registry); };
  std::set<RegistryKey> asked;
  for (const RegistryKey& registry : files.asked) {
    if (in_files(registry) || (store && store->asked.contains(registry))) {
      asked.insert(registry);
    }
  }
  files.asked = std::move(asked);
  if (!store) {
    return files;
  }
  const bool store_needed =
      !std::ranges::all_of(files.asked, [&](const RegistryKey& registry) { return in_files(registry); });
  if (store->problem && store_needed) {
    files.problem = store->problem;
  }
  std::vector<Credential> of_store;
  for (const Credential& credential : store->credentials) {
    if (const RegistryKey registry(credential.login.server); files.asked.contains(registry) && !in_files(registry)) {
      of_store.push_back(credential.clone());
      files.problems.erase(registry);
    }
  }
  for (const auto& [registry, problem] : store->problems) {
    if (files.asked.contains(registry) && !in_files(registry)) {
      files.problems.try_emplace(registry, problem);
    }
  }
  std::ranges::move(of_store, std::back_inserter(files.credentials));
  files.all.insert(files.all.end(), store->all.begin(), store->all.end());
  std::ranges::stable_sort(files.all, {}, [](const KeptLogin& kept) { return kept.login.server; });
  files.unreadable += store->unreadable;
  files.only_changes = store->only_changes;
  files.collections.insert(files.collections.end(), store->collections.begin(), store->collections.end());
  if (store->provider) {
    files.provider = store->provider;
  }
  return files;
}

}  // namespace regsync
