#include "sync/cli/view/path_expression.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "sync/cli/view/console.hpp"
#include "sync/cli/view/quote.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(std::string_view path) {
  throw UsageError("unsupported path \"" + std::string(path) + "\"",
                   "use .name, ['name'], [0], [*] and [?(@.name==\"value\")], or -o json and a filter: jq '.items[]'");
}

// One step of a path: the text between dots and brackets.
struct Step {
  enum class Kind { name, index, all, filter };
  Kind kind = Kind::name;
  std::string name;  // of a filter: its path
  long index = 0;
  bool equal = true;  // of a filter: == or !=
  std::string value;  // of a filter
};

std::string unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

Step bracket(std::string_view inside, std::string_view path) {
  Step step;
  if (inside == "*") {
    step.kind = Step::Kind::all;
    return step;
  }
  if (inside.starts_with("?(@") && inside.ends_with(")")) {
    const std::string_view test = inside.substr(3, inside.size() - 4);
    const auto at = std::min(test.find("=="), test.find("!="));
    if (at == std::string_view::npos) {
      refuse(path);
    }
    step.kind = Step::Kind::filter;
    step.name = test.substr(0, at);
    step.equal = test[at] == '=';
    step.value = unquoted(test.substr(at + 2));
    return step;
  }
  if (inside.size() >= 2 && (inside.front() == '\'' || inside.front() == '"')) {
    step.name = unquoted(inside);
    return step;
  }
  const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
  if (error != std::errc() || end != inside.data() + inside.size()) {
    refuse(path);
  }
  step.kind = Step::Kind::index;
  return step;
}

// Returns the end of a bracket; skips quoted text.
std::size_t closing(std::string_view text, std::size_t from) {
  char quote = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (quote != 0) {
      quote = text[i] == quote ? '\0' : quote;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == ']') {
      return i;
    }
  }
  return std::string_view::npos;
}

std::vector<Step> steps_of(std::string_view path) {
  std::vector<Step> steps;
  std::string_view rest = path;
  if (!rest.empty() && (rest.front() == '$' || rest.front() == '@')) {
    rest.remove_prefix(1);
  }
  while (!rest.empty()) {
    if (rest.front() == '[') {
      const auto end = closing(rest, 1);
      if (end == std::string_view::npos) {
        refuse(path);
      }
      steps.push_back(bracket(rest.substr(1, end - 1), path));
      rest.remove_prefix(end + 1);
      continue;
    }
    if (rest.front() == '.') {
      rest.remove_prefix(1);
      if (rest.empty() && steps.empty()) {
        return steps;  // "." is the whole document
      }
    } else if (!steps.empty()) {
      refuse(path);
    }
    const auto size = std::min(rest.find_first_of(".["), rest.size());
    const std::string_view name = rest.substr(0, size);
    if (name.empty() || name.find_first_of(" (){}|") != std::string_view::npos) {
      refuse(path);
    }
    Step step;
    step.name = name;
    step.kind = name == "*" ? Step::Kind::all : Step::Kind::name;
    steps.push_back(std::move(step));
    rest.remove_prefix(size);
  }
  return steps;
}

bool passes(const json& item, const Step& filter) {
  for (const json& value : find_all(item, filter.name)) {
    if (plain_text(value) == filter.value) {
      return filter.equal;
    }
  }
  return !filter.equal;
}

void follow(const json& value, const Step& step, std::vector<json>& found) {
  switch (step.kind) {
    case Step::Kind::name:
      if (const auto item = value.is_object() ? value.find(step.name) : value.end(); item != value.end()) {
        found.push_back(*item);
      }
      return;
    case Step::Kind::index: {
      const long size = static_cast<long>(value.is_array() ? value.size() : 0);
      const long index = step.index < 0 ? size + step.index : step.index;
      if (index >= 0 && index < size) {
        found.push_back(value[static_cast<std::size_t>(index)]);
      }
      return;
    }
    case Step::Kind::all:
    case Step::Kind::filter:
      if (value.is_structured()) {
        for (const json& item : value) {
          if (step.kind == Step::Kind::all || passes(item, step)) {
            found.push_back(item);
          }
        }
      }
  }
}

constexpr std::string_view range_begin = "range ";

// Returns the text of a quoted literal with its escapes resolved.
std::string text_of_literal(std::string_view quoted) {
  const std::string literal = unquoted(quoted);
  std::string text;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const bool escape = literal[i] == '\\' && i + 1 < literal.size();
    const char c = escape ? literal[++i] : literal[i];
    text += !escape ? c : c == 'n' ? '\n' : c == 't' ? '\t' : c;
  }
  return text;
}

// Expands {inside}, which is neither a range nor its end.
std::string text_of(const json& document, std::string_view inside) {
  if (inside.starts_with('"') || inside.starts_with('\'')) {
    return text_of_literal(inside);
  }
  std::string values;
  for (const json& value : find_all(document, inside)) {
    values += (values.empty() ? "" : " ") + printable(plain_text(value));
  }
  return values;
}

// Takes the next {...} of the text, without its braces.
std::string_view take_braces(std::string_view text, std::size_t& at) {
  const auto end = text.find('}', at);
  if (end == std::string_view::npos) {
    refuse(text);
  }
  const std::string_view inside = text.substr(at + 1, end - at - 1);
  at = end + 1;
  return inside;
}

// Expands the text from `at` to {end}, or to the end of the text.
std::string expand_from(const json& document, std::string_view text, std::size_t& at, bool in_range) {
  std::string out;
  while (at < text.size()) {
    if (text[at] != '{') {
      out += text[at++];
      continue;
    }
    const std::string_view inside = take_braces(text, at);
    if (inside == "end" && in_range) {
      return out;
    }
    if (inside == "end") {
      refuse(text);
    }
    if (!inside.starts_with(range_begin)) {
      out += text_of(document, inside);
      continue;
    }
    const std::size_t body = at;
    expand_from(json(), text, at, true);  // finds the end even if there is no item
    for (const json& item : find_all(document, inside.substr(range_begin.size()))) {
      std::size_t again = body;
      out += expand_from(item, text, again, true);
    }
  }
  if (in_range) {
    refuse(text);  // no {end}
  }
  return out;
}

}  // namespace

std::vector<json> find_all(const json& document, std::string_view path) {
  std::vector<json> values{document};
  for (const Step& step : steps_of(path)) {
    std::vector<json> next;
    for (const json& value : values) {
      follow(value, step, next);
    }
    values = std::move(next);
  }
  return values;
}

std::string expand(const json& document, std::string_view text) {
  if (text.find('{') == std::string_view::npos) {
    return expand(document, "{" + std::string(text) + "}");  // kubectl's relaxed form
  }
  std::size_t at = 0;
  return expand_from(document, text, at, false);
}

std::string plain_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace regsync::cli
