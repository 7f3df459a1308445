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

// How an answer is printed: a kind, and for two of them what the person wrote after it.
class Format {
 public:
  // Called Format::json and so on; a class of it would only make these names longer.
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

  // Whether it prints the document, and not a table or names.
  [[nodiscard]] bool is_structured() const { return kind_ >= json; }
  [[nodiscard]] const std::string& expression() const { return expression_; }

  // Whether a table, or columns, begin with a line of their names.
  [[nodiscard]] bool headers() const { return headers_; }
  void set_headers(bool headers) { headers_ = headers; }

 private:
  Kind kind_;
  std::string expression_;
  bool headers_ = true;
};

// Of every document that regsync prints for programs.
inline constexpr const char* api_version = "regsync.dev/v1";

// {"apiVersion": …, "kind": …, "items": […]}, as Kubernetes prints lists.
nlohmann::json make_list(const char* kind, nlohmann::json items);

// Throws UsageError for a path, or columns, that are not understood.
void check_expression(const Format& format);

// Prints a document as JSON (indented), YAML, or what a path or columns say of it.
void print_structured(std::ostream& out, const nlohmann::json& value, const Format& format);
// These texts hold nothing that changes the terminal, and the same values. indent: -1 for one line.
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

// Columns that align, three spaces apart, as kubectl prints them; an empty cell is "<none>".
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

// "error: what" and "hint: what to do".
void print_error(std::ostream& err, const Error& error);

}  // namespace regsync::cli
