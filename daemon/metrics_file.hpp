// Writes the metrics into a text file for node_exporter's textfile collector, where the settings ask for it.
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
  // text: the metrics in the text exposition format. on_change: problem() is another one, by itself.
  MetricsFile(const asio::any_io_executor& executor, std::function<std::string()> text,
              std::function<void()> on_change);

  // Writes to this file from now on, at once where it is another one or could not be written; empty: to none.
  void configure(const std::filesystem::path& file);

  // Why it is not written now; nothing else depends on it.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

  // Something was counted: the file is written soon, many changes at once.
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
