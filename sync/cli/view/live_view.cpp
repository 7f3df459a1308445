#include "sync/cli/view/live_view.hpp"

#include <algorithm>
#include <sstream>

namespace regsync::cli {
namespace {

constexpr std::size_t max_rows = 2000;  // nobody scrolls further; a filter finds the rest
constexpr int around_body = 3;          // title, header, help

constexpr std::string_view escape = "\x1b";

// Takes one key from the front: an escape sequence or a character.
std::string_view take_key(std::string_view& keys) {
  std::size_t size = 1;
  if (keys.starts_with("\x1b[") || keys.starts_with("\x1bO")) {
    size = 2;
    while (size < keys.size() && (keys[size] == ';' || (keys[size] >= '0' && keys[size] <= '9'))) {
      ++size;
    }
    size = std::min(size + 1, keys.size());
  }
  const std::string_view key = keys.substr(0, size);
  keys.remove_prefix(size);
  return key;
}

std::string_view name_of(Order order) {
  switch (order) {
    case Order::failing_first:
      return "what fails first";
    case Order::name:
      return "by name";
    case Order::latest_first:
      return "latest change first";
  }
  return "";
}

}  // namespace

void LiveView::press(std::string_view keys) {
  while (!keys.empty()) {
    const std::string_view key = take_key(keys);
    if (typing_) {
      type(key);
    } else {
      press_one(key);
    }
  }
}

void LiveView::type(std::string_view key) {
  if (key == "\r" || key == "\n") {
    typing_ = false;
  } else if (key == escape) {
    typing_ = false;
    filter_.clear();
  } else if (key == "\x7f" || key == "\b") {
    if (!filter_.empty()) {
      filter_.pop_back();
    }
  } else if (key.size() == 1 && static_cast<unsigned char>(key.front()) >= ' ') {
    filter_ += key;
  }
  top_ = 0;
}

void LiveView::press_one(std::string_view key) {
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, key) != names.end();
  };
  if (is({"q", "Q", "\x03"})) {
    ended_ = true;
  } else if (is({"j", "\x1b[B", "\x1bOB"})) {
    ++top_;
  } else if (is({"k", "\x1b[A", "\x1bOA"})) {
    --top_;
  } else if (is({" ", "\x1b[6~"})) {
    top_ += page_;
  } else if (is({"b", "\x1b[5~"})) {
    top_ -= page_;
  } else if (is({"g", "\x1b[H", "\x1b[1~"})) {
    top_ = 0;
  } else if (is({"G", "\x1b[F", "\x1b[4~"})) {
    top_ = bottom_;
  } else if (key == "f") {
    failing_ = !failing_;
  } else if (key == "s") {
    order_ = order_ == Order::failing_first ? Order::name
             : order_ == Order::name        ? Order::latest_first
                                            : Order::failing_first;
  } else if (key == "a") {
    rows_ = !rows_;
    top_ = 0;
  } else if (key == "/") {
    typing_ = true;
    filter_.clear();
  } else if (key == escape) {
    filter_.clear();
  }
  top_ = std::clamp(top_, 0, bottom_);
}

StatusReport LiveView::shown(StatusReport report) const {
  if (!filter_.empty()) {
    const auto has = [&](const std::string& text) { return text.find(filter_) != std::string::npos; };
    std::erase_if(report.rows, [&](const StatusRow& row) {
      return !has(row.target) && !has(row.context) && !has(row.name_space) && !has(row.secret) &&
             !has(std::string(to_string(row.state))) && !(row.cause && has(reason_of(*row.cause)));
    });
    std::erase_if(report.groups, [&](const StatusGroup& group) {
      return !has(group.target) && !has(group.context) &&
             std::ranges::none_of(group.reasons, [&](const auto& item) { return has(reason_of(item.first)); });
    });
    std::erase_if(report.targets, [&](const TargetStatus& target) { return !has(target.name); });
  }
  return selected(std::move(report), {.failing = failing_});
}

std::string LiveView::title(const StatusReport& report) const {
  std::string text = summary(report) + "   (regsyncd " + report.version;
  text += order_ == Order::failing_first ? "" : "; " + std::string(name_of(order_));
  text += failing_ ? "; only what fails" : "";
  text += filter_.empty() && !typing_ ? "" : "; filter: " + filter_ + (typing_ ? "_" : "");
  return text + ")";
}

std::vector<std::string> LiveView::lines(const StatusReport& report, bool colour, WallTime now,
                                         const TerminalSize& size) {
  const StatusReport part = shown(report);
  const TableLayout layout{.colour = colour,
                           .now = now,
                           .wide = wide_,
                           .order = order_,
                           .max_lines = rows_ ? max_rows : SIZE_MAX,
                           .columns = size.columns};
  std::istringstream text(rows_ ? render_table(part, layout) : render_summary(part, layout));
  std::vector<std::string> body;
  for (std::string line; std::getline(text, line);) {
    body.push_back(line);
  }
  std::vector<std::string> screen{paint(title(report), Colour::bold, colour), body.empty() ? "" : body.front()};
  if (!body.empty()) {
    body.erase(body.begin());
  }
  page_ = std::max(1, size.rows - around_body);
  bottom_ = std::max(0, static_cast<int>(body.size()) - page_);
  top_ = std::clamp(top_, 0, bottom_);
  for (int i = top_; i < top_ + page_; ++i) {
    screen.push_back(i < static_cast<int>(body.size()) ? body[static_cast<std::size_t>(i)] : "");
  }
  // The place comes first, because the end is cut off if it does not fit.
  const std::string place = bottom_ == 0 ? ""
                                         : std::to_string(top_ + 1) + "-" +
                                               std::to_string(std::min(top_ + page_, static_cast<int>(body.size()))) +
                                               " of " + std::to_string(body.size()) + "   ";
  screen.push_back(paint(place + "q quit   up/down scroll   / filter   f only what fails   s sort   a " +
                             std::string(rows_ ? "summary" : "all Secrets"),
                         Colour::dim, colour));
  return screen;
}

}  // namespace regsync::cli
