// Formats --help like kubectl and gh.
#pragma once

#include <memory>

namespace CLI {
class FormatterBase;
}

namespace regsync::cli {

std::shared_ptr<CLI::FormatterBase> make_help_formatter();

}  // namespace regsync::cli
