#include "sync/base/suggest.hpp"

#include <algorithm>

namespace regsync {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::size_t listed_candidates = 8;  // more would not be a remedy
// Longer texts are not compared, because that takes time and memory proportional to the product of both lengths. No
// Kubernetes name is longer than 253 letters.
constexpr std::size_t longest_compared = 256;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    d[i][0] = i;
  }
  for (std::size_t j = 0; j <= b.size(); ++j) {
    d[0][j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + replace});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string closest(std::string_view text, const std::vector<std::string>& candidates) {
  if (text.size() > longest_compared) {
    return {};
  }
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest_compared) {
      continue;
    }
    const std::size_t distance = edit_distance(text, candidate);
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  if (best != nullptr && best_distance * 3 <= std::max(text.size(), best->size())) {
    return *best;
  }

  const std::string* extended = nullptr;
  for (const std::string& candidate : candidates) {
    if (text.size() < 2 || !(candidate.starts_with(text) || candidate.ends_with(text))) {
      continue;
    }
    if (extended != nullptr) {
      return {};
    }
    extended = &candidate;
  }
  return extended == nullptr ? std::string() : *extended;
}

namespace {

// The names in a list "a,b", if all of them are candidates.
std::vector<std::string> listed(std::string_view text, const std::vector<std::string>& candidates) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    names.emplace_back(text.substr(begin, end - begin));
    if (std::ranges::find(candidates, names.back()) == candidates.end()) {
      return {};
    }
    begin = end + 1;
  }
  return names;
}

}  // namespace

std::string did_you_mean(std::string_view text, const std::vector<std::string>& candidates) {
  if (const std::vector<std::string> names = listed(text, candidates); names.size() > 1) {
    std::string remedy = "name one at a time: ";
    for (const std::string& name : names) {
      remedy += (&name == names.data() ? "\"" : ", \"") + name + "\"";
    }
    return remedy;
  }
  if (const std::string meant = closest(text, candidates); !meant.empty()) {
    return "did you mean \"" + meant + "\"?";
  }
  if (candidates.empty()) {
    return {};
  }
  std::string all = "there are: ";
  for (std::size_t i = 0; i < candidates.size() && i < listed_candidates; ++i) {
    all += (i == 0 ? "" : ", ") + candidates[i];
  }
  if (candidates.size() > listed_candidates) {
    all += ", and " + std::to_string(candidates.size() - listed_candidates) + " more";
  }
  return all;
}

}  // namespace regsync
