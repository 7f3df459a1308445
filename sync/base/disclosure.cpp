#include "sync/base/disclosure.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "helper/base/text.hpp"
#include "sync/base/percent_encoding.hpp"

namespace regsync {
namespace {

constexpr std::array names{"password", "passwd", "passphrase", "pass",    "pwd",   "secret",
                           "token",    "auth",   "key",        "keydata", "cookie"};
// A value assigned to one of these is a secret, however short.
constexpr std::array passwords{"password", "passwd", "pwd", "secret"};
// These need an assigned value that looks like a secret: "AzureCLICredential: ERROR" does not.
constexpr std::array assigned{"credential", "sig", "signature", "assertion"};
constexpr std::array schemes{"basic ", "bearer "};  // of an Authorization header
constexpr std::array headers{"authorization: basic ", "authorization: bearer "};
constexpr std::array header{"authorization"};
// The least length of a secret. Ordinary words are in lower case and without digits.
constexpr std::size_t least_secret = 6;
constexpr std::size_t least_token = 16;
// The most of a value that is examined for each name, so that a long text does not cost more. A longer value is not an
// ordinary word.
constexpr std::size_t longest_value = 256;
// The prefixes of tokens of GitHub, GitLab, Docker, npm, Slack, Google and Vault; key_ids has those of AWS key ids.
constexpr std::array prefixes{"ghp_",      "gho_",      "ghs_", "ghu_", "ghr_",  "github_pat_", "glpat-",
                              "dckr_pat_", "dckr_oat_", "npm_", "xox",  "ya29.", "AIza",        "hvs."};
constexpr std::array key_ids{"AKIA", "ASIA"};
constexpr std::array short_options{"-p "};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_of_key_id(char c) { return is_upper(c) || is_digit(c); }
bool is_of_token(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '+' || c == '/' || c == '.' || c == '=';
}

std::string_view leading(std::string_view text, bool (*belongs)(char)) {
  text = text.substr(0, longest_value);
  return text.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(text, belongs) - text.begin()));
}

bool is_cut(std::string_view value) { return value.size() == longest_value; }

// The beginning of the text, up to one of the characters of `end`.
std::string_view value_before(std::string_view end, std::string_view text) {
  text = text.substr(0, longest_value);
  return text.substr(0, text.find_first_of(end));
}

// Whether the text after the name of a secret is a value for it.
bool is_value(std::string_view rest) {
  constexpr std::string_view between = " \t\"'=:";
  const auto begin = std::min(rest.find_first_not_of(between), rest.size());
  const std::string_view separator = rest.substr(0, begin);
  const bool given =
      separator.find_first_of("=:") != std::string_view::npos && separator.find("::") == std::string_view::npos;
  if (!given) {
    return false;
  }
  const std::string_view value = value_before(" \t\r\n\"',;", rest.substr(begin));
  // `auth: expired` is prose; anything after "=" or in quotes is a value.
  const auto colon = separator.find_first_of("=:");
  const bool prose =
      separator.find('=') == std::string_view::npos && separator.find_first_of("\"'", colon) == std::string_view::npos;
  const bool plain = !is_cut(value) && std::ranges::all_of(value, [](char c) { return is_lower(c) || c == '.'; });
  return value.size() >= least_secret && (!prose || !plain);
}

bool is_assigned(std::string_view rest) {
  constexpr std::string_view end = " \t\r\n\"',;&";
  return rest.starts_with('=') && rest.size() > 1 && end.find(rest[1]) == std::string_view::npos;
}

bool is_assigned_secret(std::string_view rest) { return is_assigned(rest) && is_value(rest); }

// The same for a value in a sentence: "is hunter2xyz", but not "is expired".
bool is_told(std::string_view rest) {
  constexpr std::string_view verb = " is ";
  if (!rest.starts_with(verb)) {
    return false;
  }
  rest.remove_prefix(verb.size());
  const std::string_view value = value_before(" \t\r\n\"',;", rest);
  return value.size() >= least_secret && (is_cut(value) || std::ranges::any_of(value, is_digit));
}

bool is_proof(std::string_view rest) {
  const std::string_view word = leading(rest, is_of_token);
  return word.size() >= least_secret && (is_cut(word) || !std::ranges::all_of(word, is_letter));
}

// Whether it is the value of an Authorization header, with any scheme.
bool is_authorization(std::string_view rest) {
  const auto scheme = rest.substr(0, longest_value).find_first_not_of(" \t\"'=:");
  if (scheme == std::string_view::npos || rest.substr(0, scheme).find_first_of("=:") == std::string_view::npos) {
    return false;
  }
  rest.remove_prefix(scheme);
  const auto end = leading(rest, is_letter).size();
  return rest.substr(end).starts_with(' ') && is_proof(rest.substr(end + 1));
}

// Placeholders in help texts ("--password PASSWORD", "--token string") have letters of one case.
bool is_option_value(std::string_view value) {
  return value.size() >= least_secret && value.find_first_of("-/<[{$~.") != 0 &&
         (is_cut(value) || !(std::ranges::none_of(value, is_upper) || std::ranges::none_of(value, is_lower)) ||
          std::ranges::any_of(value, is_digit));
}

// Whether the word after the name of an option is a value: `--password hunter2xyz`, `"--client-secret", "hunter2xyz"`.
bool is_option(std::string_view rest) {
  const auto begin = rest.substr(0, longest_value).find_first_not_of(" \t\"',=");
  return begin != 0 && begin != std::string_view::npos &&
         is_option_value(value_before(" \t\r\n\"',;", rest.substr(begin)));
}

// The same for `-p`, which may also take a port, a folder or a profile.
bool is_short_option(std::string_view rest) {
  const std::string_view value = value_before(" \t\r\n\"',;", rest);
  return is_option_value(value) && std::ranges::any_of(value, is_letter) && std::ranges::any_of(value, is_digit);
}

bool is_element(std::string_view rest) {
  const std::string_view value = rest.starts_with('>') ? value_before("<", rest.substr(1)) : std::string_view();
  return !value.empty() && (is_cut(value) || rest.substr(1 + value.size()).starts_with("</"));
}

bool is_word(std::string_view rest) { return leading(rest, is_of_token).size() >= least_secret; }

// Whether one of the words is followed by text that satisfies the predicate. lowered: the text in lower case.
template <typename Words>
bool has_after(std::string_view text, std::string_view lowered, const Words& words,
               bool (*is_secret)(std::string_view rest)) {
  return std::ranges::any_of(words, [&](std::string_view word) {
    for (auto at = lowered.find(word); at != std::string_view::npos; at = lowered.find(word, at + 1)) {
      if (is_secret(text.substr(at + word.size()))) {
        return true;
      }
    }
    return false;
  });
}

// Whether an option that ends in one of the words (`--docker-password`) is followed by text that satisfies the
// predicate.
bool has_option(std::string_view text) {
  constexpr std::string_view begin = "--";
  const auto is_of_name = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; };
  for (auto at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at)) {
    at += begin.size();
    const std::string_view name = leading(text.substr(at), is_of_name);
    const std::string lowered = to_lower(name);
    at += name.size();
    if (std::ranges::any_of(names, [&](std::string_view word) { return lowered.ends_with(word); }) &&
        is_option(text.substr(at))) {
      return true;
    }
  }
  return false;
}

// Whether one of these prefixes begins a word and is followed by text that satisfies the predicate.
template <typename Prefixes>
bool has_word(std::string_view text, const Prefixes& begins, bool (*is_secret)(std::string_view rest)) {
  return std::ranges::any_of(begins, [&](std::string_view begin) {
    for (auto at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
      const bool inside = at > 0 && (is_letter(text[at - 1]) || is_digit(text[at - 1]));
      if (!inside && is_secret(text.substr(at + begin.size()))) {
        return true;
      }
    }
    return false;
  });
}

// Whether the text after a prefix makes it a token: npm_config_cache is not one.
bool is_token(std::string_view rest) {
  const std::string_view word = leading(rest, is_of_token);
  return word.size() >= least_secret + 2 && (is_cut(word) || std::ranges::any_of(word, is_of_key_id));
}

bool is_key_id(std::string_view rest) { return leading(rest, is_of_key_id).size() >= least_token - 4; }

// Whether a URL has USER:PASSWORD, or a token, before its host.
bool holds_userinfo(std::string_view text) {
  constexpr std::string_view end_of_scheme = "://";
  for (auto at = text.find(end_of_scheme); at != std::string_view::npos; at = text.find(end_of_scheme, at + 1)) {
    const std::string_view rest = text.substr(at + end_of_scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/ \t\r\n"));
    const auto end = authority.rfind('@');
    if (end != std::string_view::npos &&
        (authority.substr(0, end).find(':') != std::string_view::npos || end >= least_token)) {
      return true;
    }
  }
  return false;
}

// How often a word changes between small letters, capitals and digits.
std::size_t turns(std::string_view word) {
  const auto kind = [](char c) { return is_lower(c) ? 0 : is_upper(c) ? 1 : is_digit(c) ? 2 : 3; };
  std::size_t count = 0;
  for (std::size_t i = 1; i < word.size(); ++i) {
    count += kind(word[i]) != kind(word[i - 1]) ? 1 : 0;
  }
  return count;
}

// Whether a word is unlikely to be a name: long, of small and capital letters and digits, which alternate more often
// than in "MyApp2ServiceAccountProduction". With a "/" it may be a path; no secret key of AWS is shorter than this.
bool is_random(std::string_view word) {
  constexpr std::size_t least_random = 20;
  constexpr std::size_t long_word = 40;
  const bool is_long = word.size() >= long_word;
  const std::size_t least = word.find('/') == std::string_view::npos ? least_random : long_word;
  const std::size_t least_turns = word.size() * (is_long ? 7 : 9) / 20;  // 12 of 20 if all kinds are equally likely
  return word.size() >= least && std::ranges::any_of(word, is_lower) && std::ranges::any_of(word, is_upper) &&
         std::ranges::any_of(word, is_digit) && turns(word) >= least_turns;
}

// Whether the word names a place: a URL, a path, a host, a file, or a resource of AWS.
bool is_place(std::string_view word) {
  return word.starts_with("arn:") || word.find_first_of("/~") == 0 ||
         word.find_first_of(".\\") != std::string_view::npos || word.find("://") != std::string_view::npos;
}

// Splits a text at these characters and tests each piece.
template <typename Predicate>
bool any_piece(std::string_view text, std::string_view between, Predicate predicate) {
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, text.find_first_of(between));
    if (predicate(piece)) {
      return true;
    }
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
  }
  return false;
}

bool holds_a_random_word(std::string_view text) {
  return any_piece(text, " \t\r\n\"'`,;()<>[]{}|", [](std::string_view word) {
    word = word.substr(0, word.find_last_not_of(".:!?\\") + 1);
    return !is_place(word) && any_piece(word, ":@=&_-", is_random);
  });
}

bool holds_a_web_token(std::string_view text) {
  constexpr std::string_view begin = "eyJ";  // {" in base64
  for (auto at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
    if (leading(text.substr(at), is_of_token).size() >= least_token) {
      return true;
    }
  }
  return false;
}

// Whether the text after the name of a secret is that secret, in any notation.
bool is_given(std::string_view rest) { return is_value(rest) || is_told(rest) || is_element(rest); }

bool looks_secret(std::string_view text) {
  const std::string lowered = to_lower(text);
  const auto has = [&](const auto& words, bool (*is_secret)(std::string_view rest)) {
    return has_after(text, lowered, words, is_secret);
  };
  return text.find("PRIVATE KEY-----") != std::string_view::npos || holds_a_web_token(text) || has(names, is_given) ||
         has(schemes, is_proof) || has(passwords, is_assigned) || has(assigned, is_assigned_secret) ||
         has(headers, is_word) || has(header, is_authorization) || has_option(text) ||
         has_word(text, short_options, is_short_option) || has_word(text, prefixes, is_token) ||
         has_word(text, key_ids, is_key_id) || holds_userinfo(text) || holds_a_random_word(text);
}

// The character of two hexadecimal digits, if it is visible ASCII.
std::optional<char> visible(std::string_view digits) {
  const auto byte = hex_byte(digits);
  return byte && *byte > 0x20 && *byte < 0x7F ? std::optional(static_cast<char>(*byte)) : std::nullopt;
}

// Undoes the escapes of JSON strings, however often nested, and of URLs.
std::string without_escapes(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    std::size_t taken = 1;
    std::optional<char> meant = c;
    if (c == '%') {
      if (const auto character = visible(text.substr(1))) {
        meant = character;
        taken = 3;
      }
    } else if (c == '\\') {
      const auto slashes = std::min(text.find_first_not_of('\\'), text.size());
      const std::string_view rest = text.substr(slashes);
      const auto character = rest.starts_with("u00") ? visible(rest.substr(3)) : std::nullopt;
      taken = slashes;
      if (character) {
        meant = character;
        taken += 5;
      } else if (rest.starts_with('"') || rest.starts_with('\'') || rest.starts_with('/')) {
        meant.reset();
      } else if (rest.starts_with('n') || rest.starts_with('r') || rest.starts_with('t')) {
        meant = ' ';
        ++taken;
      }
    }
    if (meant) {
      plain += *meant;
    }
    text.remove_prefix(taken);
  }
  return plain;
}

}  // namespace

bool may_disclose(std::string_view text) {
  return looks_secret(text) ||
         (text.find_first_of("\\%") != std::string_view::npos && looks_secret(without_escapes(text)));
}

std::string presentable_unless_secret(std::string_view said, std::size_t most) {
  return may_disclose(said) ? "what it says is not shown, because it may hold a credential"
                            : presentable(said.substr(0, most));
}

}  // namespace regsync
