#include "sync/base/rfc3339.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "helper/base/wall_time.hpp"

namespace regsync {
namespace {

// Parses a text part by part. Once a part is missing, the whole parse has failed.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_(text) {}

  int number(std::size_t least_digits, std::size_t most_digits) {
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const std::size_t taken = std::min(digits, most_digits);
    good_ = good_ && taken >= least_digits;
    int number = 0;
    for (const char digit : rest_.substr(0, taken)) {
      number = 10 * number + (digit - '0');
    }
    rest_.remove_prefix(taken);
    return number;
  }
  int two_digits() { return number(2, 2); }

  // Takes one of these characters; '\0' if the next one is none of them.
  char one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) {
      good_ = false;
      return '\0';
    }
    const char taken = rest_.front();
    rest_.remove_prefix(1);
    return taken;
  }

  void skip_fraction() {
    if (rest_.starts_with('.') || rest_.starts_with(',')) {
      rest_.remove_prefix(1);
      const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
      good_ = good_ && digits > 0;
      rest_.remove_prefix(digits);
    }
  }

  [[nodiscard]] bool are_all() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// Parses a time of any year.
std::optional<std::chrono::sys_seconds> parse(std::string_view text) {
  Parts parts(text);
  const std::chrono::year year(parts.number(4, 4));
  parts.one_of("-");
  const std::chrono::month month(static_cast<unsigned>(parts.two_digits()));
  parts.one_of("-");
  const std::chrono::day day(static_cast<unsigned>(parts.two_digits()));
  parts.one_of("T");
  const std::chrono::hours hour(parts.number(1, 2));
  parts.one_of(":");
  const std::chrono::minutes minute(parts.two_digits());
  parts.one_of(":");
  const std::chrono::seconds second(parts.two_digits());
  parts.skip_fraction();
  const char zone = parts.one_of("Z+-");
  std::chrono::minutes offset{0};
  if (zone == '+' || zone == '-') {
    const std::chrono::hours hours(parts.two_digits());
    parts.one_of(":");
    const std::chrono::minutes minutes(parts.two_digits());
    if (hours.count() > 24 || minutes.count() > 60) {  // as in Go
      return std::nullopt;
    }
    offset = zone == '-' ? -(hours + minutes) : hours + minutes;
  }
  const auto date = year / month / day;
  if (!parts.are_all() || !date.ok() || hour.count() > 23 || minute.count() > 59 || second.count() > 59) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + hour + minute + second - offset;
}

}  // namespace

std::string to_rfc3339(std::chrono::system_clock::time_point time, Precision precision) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::string written(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc));
  if (precision == Precision::microseconds) {
    const std::string digits =
        std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(time - whole).count());
    written += '.' + std::string(6 - digits.size(), '0') + digits;
  }
  return written + 'Z';
}

std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text) {
  const auto moment = parse(text);
  return moment ? std::optional(wall_time(*moment)) : std::nullopt;
}

bool is_no_time(std::string_view text) {
  using std::chrono::sys_days;
  return parse(text) == sys_days(std::chrono::year(1) / 1 / 1);
}

}  // namespace regsync
