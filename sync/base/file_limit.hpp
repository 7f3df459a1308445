// The limit of open files. A daemon with many clusters needs more than the customary 1024; programs that use select(2)
// or close "all" descriptors must not get more than that (systemd.exec(5), LimitNOFILE=). Call from one thread.
#pragma once

namespace regsync {

// Raises the soft limit of this process to its hard one.
void raise_file_limit();

// While it lives, the limit is as it was before raise_file_limit(): for a child that is started meanwhile.
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
