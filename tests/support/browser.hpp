// Browser is a headless Chromium, driven through chromedriver (W3C WebDriver). It can reach loopback only, and its
// profile is deleted at the end.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace regsync::test {

class Browser {
 public:
  // Whether this machine has one.
  static bool exists();

  Browser();  // throws std::runtime_error
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  Browser(Browser&&) = delete;
  Browser& operator=(Browser&&) = delete;

  void open(const std::string& url);
  // Runs JavaScript in the page and returns its result.
  nlohmann::json run(const std::string& script);
  // Sets the size of the page in CSS pixels; a width below 600 emulates a phone.
  void resize(int width, int height);
  void use_dark(bool dark);
  void take_picture(const std::filesystem::path& png);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace regsync::test
