// The fleet's web page (page.html), which is compiled into the program.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

extern const std::string_view page_html;

// The Content-Security-Policy of the page: allows its own script and style, by digest, and requests to its own origin,
// and nothing else.
std::string page_policy();

}  // namespace regsync
