// The limit of open files. A daemon with many clusters needs more than the customary 1024; programs that use select(2)
// or close "all" descriptors must not get more than that (systemd.exec(5), LimitNOFILE=). Call from one thread.
#pragma once

#include <sys/types.h>

namespace regsync {

// Raises the soft limit of this process to its hard one.
void raise_file_limit();

// Gives a child the limit that this process had before raise_file_limit(). The child already runs and may have seen the
// raised limit, which costs a program that closes "all" descriptors a moment. Lowering the limit of this process while
// the child starts would make other threads (libcurl's resolvers, the web server's) fail to open files.
void give_inherited_file_limit(pid_t child);

// While it lives, this process has the limit from before raise_file_limit(): for a program that it executes in its
// place, or runs with std::system(). Use it only if no other thread opens files.
class InheritedFileLimit {
 public:
  InheritedFileLimit();
  ~InheritedFileLimit();
  InheritedFileLimit(const InheritedFileLimit&) = delete;
  InheritedFileLimit& operator=(const InheritedFileLimit&) = delete;
  InheritedFileLimit(InheritedFileLimit&&) = delete;
  InheritedFileLimit& operator=(InheritedFileLimit&&) = delete;
};

}  // namespace regsync
