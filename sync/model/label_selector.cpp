#include "sync/model/label_selector.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"

namespace regsync {

namespace {

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// apimachinery util/validation: IsValidLabelValue, and the name part of IsQualifiedName.
bool is_label_word(std::string_view word) {
  return word.size() <= 63 && (word.empty() || (is_alnum(word.front()) && is_alnum(word.back()) &&
                                                std::all_of(word.begin(), word.end(), is_name_char)));
}

bool is_label_key(std::string_view key) {
  const auto slash = key.find('/');
  const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  const std::string_view prefix = slash == std::string_view::npos ? std::string_view() : key.substr(0, slash);
  if (slash != std::string_view::npos &&
      (prefix.empty() || prefix.size() > 253 || !std::all_of(prefix.begin(), prefix.end(), is_name_char))) {
    return false;
  }
  return !name.empty() && is_label_word(name);
}

std::optional<long long> to_integer(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

// A recursive descent over the grammar in the comment of labels.Parse.
class LabelSelector::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::vector<Requirement> parse() {
    std::vector<Requirement> requirements;
    skip_space();
    while (position_ < text_.size()) {
      requirements.push_back(requirement());
      skip_space();
      if (position_ == text_.size()) {
        break;
      }
      expect(',');
      skip_space();
      if (position_ == text_.size()) {
        fail("a requirement is missing after ','");
      }
    }
    return requirements;
  }

 private:
  Requirement requirement() {
    skip_space();
    if (accept("!")) {
      return {key(), Operator::does_not_exist, {}};
    }
    Requirement result{key(), Operator::exists, {}};
    skip_space();
    if (accept("!=")) {
      result.op = Operator::not_in;
      result.values = {value()};
    } else if (accept("==") || accept("=")) {
      result.op = Operator::in;
      result.values = {value()};
    } else if (accept(">")) {
      result.op = Operator::greater;
      result.values = {integer()};
    } else if (accept("<")) {
      result.op = Operator::less;
      result.values = {integer()};
    } else if (accept_word("in")) {
      result.op = Operator::in;
      result.values = value_set();
    } else if (accept_word("notin")) {
      result.op = Operator::not_in;
      result.values = value_set();
    }
    return result;
  }

  std::string key() {
    skip_space();
    std::string key = word(true);
    if (!is_label_key(key)) {
      fail(key.empty() ? "a label key is missing" : in_quotes(key) + " is not a label key");
    }
    return key;
  }

  std::string value() {
    skip_space();
    std::string value = word(false);
    if (!is_label_word(value)) {
      fail(in_quotes(value) + " is not a label value");
    }
    return value;
  }

  std::string integer() {
    std::string text = value();
    if (!to_integer(text)) {
      fail(in_quotes(text) + " is not an integer, which '<' and '>' need");
    }
    return text;
  }

  std::vector<std::string> value_set() {
    skip_space();
    expect('(');
    std::vector<std::string> values;
    do {
      values.push_back(value());
      skip_space();
    } while (accept(","));
    expect(')');
    return values;
  }

  std::string word(bool with_slash) {
    const std::size_t begin = position_;
    while (position_ < text_.size() && (is_name_char(text_[position_]) || (with_slash && text_[position_] == '/'))) {
      ++position_;
    }
    return std::string(text_.substr(begin, position_ - begin));
  }

  bool accept(std::string_view token) {
    if (text_.substr(position_, token.size()) != token) {
      return false;
    }
    position_ += token.size();
    return true;
  }

  bool accept_word(std::string_view token) {
    const std::size_t begin = position_;
    if (word(true) == token) {
      return true;
    }
    position_ = begin;
    return false;
  }

  void expect(char c) {
    if (position_ >= text_.size() || text_[position_] != c) {
      fail(std::string("expected '") + c + "'");
    }
    ++position_;
  }

  void skip_space() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_])) != 0) {
      ++position_;
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::invalid_input,
                "label selector " + in_quotes(text_) + ", character " + std::to_string(position_ + 1) + ": " + what,
                "write it as for `kubectl get -l`, for example \"env in (prod,stage),!legacy\"");
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

LabelSelector LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  selector.text_ = std::string(text);
  selector.requirements_ = Parser(selector.text_).parse();
  return selector;
}

bool LabelSelector::mentions(std::string_view key) const {
  return std::any_of(requirements_.begin(), requirements_.end(),
                     [key](const Requirement& requirement) { return requirement.key == key; });
}

bool LabelSelector::matches(const Labels& labels) const {
  const auto holds = [&labels](const Requirement& requirement) {
    const auto label = labels.find(requirement.key);
    const bool present = label != labels.end();
    const auto one_of = [&] {
      return std::find(requirement.values.begin(), requirement.values.end(), label->second) != requirement.values.end();
    };
    const auto number = [&] { return to_integer(label->second); };
    const auto bound = [&] { return *to_integer(requirement.values.front()); };
    switch (requirement.op) {
      case Operator::exists:
        return present;
      case Operator::does_not_exist:
        return !present;
      case Operator::in:
        return present && one_of();
      case Operator::not_in:  // true if the label is absent, as in Kubernetes
        return !present || !one_of();
      case Operator::greater:
        return present && number() && *number() > bound();
      case Operator::less:
        return present && number() && *number() < bound();
    }
    return false;
  };
  return std::all_of(requirements_.begin(), requirements_.end(), holds);
}

}  // namespace regsync
