#include "helper/base/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace regsync {

void occupy_closed_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) {
      open("/dev/null", O_RDONLY);  // takes the lowest number that is free
    }
  }
}

}  // namespace regsync
