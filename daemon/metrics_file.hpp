// MetricsFile writes the metrics into a file for node_exporter's textfile collector, if the settings name one.
//
// Lives on the io_context thread.
#pragma once

#include <asio/any_io_executor.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "helper/base/error.hpp"
#include "sync/base/coalesced_call.hpp"

namespace regsync {

class MetricsFile {
 public:
  // text returns the metrics in the text exposition format. on_change is called when a delayed write changes problem().
  MetricsFile(const asio::any_io_executor& executor, std::function<std::string()> text,
              std::function<void()> on_change);

  // Sets the file. Writes at once if it is a new path or the last write failed. Empty: no file.
  void configure(const std::filesystem::path& file);

  // Why the file cannot be written. Nothing else depends on that.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  // The metrics changed: writes the file soon, once for many changes.
  void changed();

 private:
  void write();
  void write_again();

  std::function<std::string()> text_;
  std::function<void()> on_change_;
  CoalescedCall writing_;
  std::optional<Error> problem_;
  std::filesystem::path file_;
};

}  // namespace regsync
