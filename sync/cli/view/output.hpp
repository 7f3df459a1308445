// Prints answers: tables for people, JSON, YAML and names for programs.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sync/cli/view/console.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/text.hpp"

namespace regsync::cli {

// The output format: a kind, and for two kinds the expression after it.
class Format {
 public:
  // Unscoped, so that the names are Format::json and so on.
  enum Kind {  // NOLINT(cppcoreguidelines-use-enum-class)
    table,
    wide,
    name,
    json,
    yaml,
    jsonpath,
    custom_columns
  };
  Format(Kind kind, std::string expression = {}) : kind_(kind), expression_(std::move(expression)) {}
  operator Kind() const { return kind_; }

  // Whether it prints the document, not a table or names.
  [[nodiscard]] bool is_structured() const { return kind_ >= json; }
  [[nodiscard]] const std::string& expression() const { return expression_; }

  // Whether a table or custom columns begin with a header line.
  [[nodiscard]] bool headers() const { return headers_; }
  void set_headers(bool headers) { headers_ = headers; }

 private:
  Kind kind_;
  std::string expression_;
  bool headers_ = true;
};

// The apiVersion of every document that regsync prints for programs.
inline constexpr const char* api_version = "regsync.dev/v1";

// {"apiVersion": …, "kind": …, "items": […]}, as Kubernetes prints lists.
nlohmann::json make_list(const char* kind, nlohmann::json items);

// Throws UsageError if the path or the columns are invalid.
void check_expression(const Format& format);

// Prints a document as indented JSON, as YAML, or through a path or custom columns.
void print_structured(std::ostream& out, const nlohmann::json& value, const Format& format);
// Both escape everything that could change the terminal, without changing the values. indent: -1 for one line.
std::string to_yaml_text(const nlohmann::json& value);
std::string to_json_text(const nlohmann::json& value, int indent = -1);

// An empty cell of a table, as kubectl prints it.
inline constexpr const char* none = "<none>";

struct Cell {
  Cell(std::string cell_text, Colour cell_colour = Colour::none) : text(std::move(cell_text)), colour(cell_colour) {}
  Cell(const char* cell_text) : text(cell_text) {}
  std::string text;
  Colour colour = Colour::none;
};

// A table with aligned columns three spaces apart, as in kubectl; an empty cell is "<none>".
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  void print(std::ostream& out, bool colour, bool headers = true) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

// Prints "error: what" and "hint: what to do".
void print_error(std::ostream& err, const Error& error);

}  // namespace regsync::cli
