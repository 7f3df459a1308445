#include "sync/engine/paused_contexts.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/file_io.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using nlohmann::json;

constexpr std::size_t max_bytes = 1024UL * 1024;

}  // namespace

PausedContexts::PausedContexts(std::filesystem::path file) : file_(std::move(file)) {
  const auto failure = guarded([&] {
    const auto text = read_file_if_exists(file_, max_bytes);
    if (!text) {
      return;
    }
    const auto document = parse_json(*text);
    const json* contexts = document ? find_at(*document, {"contexts"}) : nullptr;
    if (contexts == nullptr || !contexts->is_array()) {
      throw Error(ErrorCode::invalid_input, file_.string() + " does not list contexts");
    }
    for (const json& context : *contexts) {
      names_.insert(context.get<std::string>());
    }
  });
  if (failure) {
    names_.clear();
    problem_ = Error(ErrorCode::invalid_input, "every context is paused, because " + failure->message(),
                     "delete the file, and pause again what is to be paused: rm " + file_.string());
  }
}

bool PausedContexts::set(const std::string& context, bool paused) {
  if (problem_) {
    throw Error(*problem_);
  }
  std::set<std::string> names = names_;
  const bool changes = paused ? names.insert(context).second : names.erase(context) > 0;
  if (changes) {
    write(std::move(names));
  }
  return changes;
}

void PausedContexts::rename(const std::string& before, const std::string& now) {
  std::set<std::string> names = names_;
  names.erase(before);
  names.insert(now);
  write(std::move(names));
}

void PausedContexts::write(std::set<std::string> names) {
  const std::string text = json{{"contexts", names}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  if (text.size() > max_bytes) {  // it would be too large to read back
    throw Error(ErrorCode::invalid_input, "the names of the paused contexts are more than 1 MiB of text",
                "resume what need not be paused: regsync resume --context NAME");
  }
  write_whole(file_, text);
  names_ = std::move(names);
}

}  // namespace regsync
