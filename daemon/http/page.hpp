// The page of the fleet (page.html), which is part of the program.
#pragma once

#include <string>
#include <string_view>

namespace regsync {

extern const std::string_view page_html;

// The Content-Security-Policy of the page: its own script and style, by their digests, and requests to where it comes
// from. Nothing else.
std::string page_policy();

}  // namespace regsync
