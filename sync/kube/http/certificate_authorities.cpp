#include "sync/kube/http/certificate_authorities.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <sstream>

#include "helper/base/file_io.hpp"

namespace regsync::kube {
namespace {

constexpr std::size_t largest_file = std::size_t{4} << 20;
constexpr std::size_t most_in_all = std::size_t{8} << 20;

}  // namespace

std::string authorities_in(const std::string& file, const std::string& folders) {
  std::string found;
  const auto add = [&](const std::filesystem::path& path) {
    if (const auto text = found.size() < most_in_all ? try_read_file(path, largest_file) : std::nullopt) {
      found.append(*text).append("\n");
    }
  };
  if (!file.empty()) {
    add(file);
  }
  std::istringstream each(folders);
  for (std::string folder; std::getline(each, folder, ':');) {
    std::ranges::for_each(files_in(folder), add);
  }
  return found;
}

}  // namespace regsync::kube
