#include "sync/base/file_limit.hpp"

#include <sys/resource.h>

#include <optional>

namespace regsync {

namespace {

std::optional<rlimit> inherited;  // set once it was raised

void set_soft(rlim_t soft) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = soft;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    inherited = limit;
    set_soft(limit.rlim_max);
  }
}

void give_inherited_file_limit(pid_t child) {
  if (inherited) {
    ::prlimit(child, RLIMIT_NOFILE, &*inherited, nullptr);
  }
}

InheritedFileLimit::InheritedFileLimit() { give_inherited_file_limit(0); }

InheritedFileLimit::~InheritedFileLimit() {
  if (inherited) {
    set_soft(inherited->rlim_max);
  }
}

}  // namespace regsync
