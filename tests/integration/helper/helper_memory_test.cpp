// What is left of a secret in the memory of the helper, and in its core dump.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <ios>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "helper/protocol/helper_protocol.hpp"
#include "helper/secret_service/secret_service_store.hpp"
#include "tests/support/keyring.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

// The canary exists as a whole only where the code under test puts it: here it is a rule, not a string.
constexpr std::size_t canary_size = 48;
char canary_at(std::size_t i) { return static_cast<char>('!' + (i * i * 7 + i * 13 + 5) % 90); }

std::string make_canary() {
  std::string canary;
  canary.reserve(canary_size);
  for (std::size_t i = 0; i < canary_size; ++i) {
    canary += canary_at(i);
  }
  return canary;
}

std::size_t count_canaries(const char* bytes, std::size_t size) {
  std::size_t count = 0;
  for (std::size_t start = 0; start + canary_size <= size; ++start) {
    std::size_t same = 0;
    while (same < canary_size && bytes[start + same] == canary_at(same)) {
      ++same;
    }
    count += same == canary_size ? 1U : 0U;
  }
  return count;
}

// In all writable memory of this process, freed or not, but for the buffer that looks.
std::size_t canaries_in_memory() {
  std::ifstream maps("/proc/self/maps");
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  std::vector<char> buffer(std::size_t{64} << 20U);
  std::size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::size_t begin = 0;
    std::size_t end = 0;
    char dash = 0;
    std::string access;
    fields >> std::hex >> begin >> dash >> end >> access;
    const auto own = reinterpret_cast<std::size_t>(buffer.data());
    if (!access.starts_with("rw") || end - begin > buffer.size() || (begin <= own && own < end)) {
      continue;
    }
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(begin));
    memory.read(buffer.data(), static_cast<std::streamsize>(end - begin));
    count += count_canaries(buffer.data(), static_cast<std::size_t>(memory.gcount()));
  }
  return count;
}

int run_action(const char* action, const std::string& input, std::string* output = nullptr) {
  SecretServiceStore store(Prompt::never);
  std::istringstream in(input);
  std::ostringstream out;
  const int exit_code = run_helper(action, in, out, store);
  if (output != nullptr) {
    *output = out.str();
  }
  return exit_code;
}

TEST(HelperMemory, TheSearchFindsACanaryThatIsThere) {
  const std::string canary = make_canary();
  EXPECT_GE(canaries_in_memory(), 1U) << "not found, though here are its " << canary.size() << " bytes";
}

TEST(HelperMemory, NothingOfASecretIsLeftAfterItsUse) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory on purpose";
#endif
  {
    nlohmann::json login{{"ServerURL", "ghcr.io"}, {"Username", "alice"}, {"Secret", make_canary()}};
    ASSERT_EQ(run_action("store", login.dump()), 0);
    ASSERT_EQ(run_action("store", login.dump()), 0);
    std::string answer;
    ASSERT_EQ(run_action("get", "ghcr.io", &answer), 0);
    ASSERT_EQ(nlohmann::json::parse(answer)["Secret"], make_canary());
    SecretServiceStore store(Prompt::never);
    ASSERT_EQ(store.load({RegistryKey("ghcr.io")}).credentials.size(), 1U);
  }
  EXPECT_EQ(canaries_in_memory(), 0U);
}

TEST(HelperMemory, ACrashLeavesNoCoreDump) {
  for (const bool guarded : {true, false}) {
    // Without the guard the same crash must dump, or this test would prove nothing.
    int input[2];
    ASSERT_EQ(pipe(input), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (chdir(own_environment().at("HOME").c_str()) != 0) {
        _exit(1);
      }
      const rlimit unlimited{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
      setrlimit(RLIMIT_CORE, &unlimited);
      if (guarded) {
        dup2(input[0], STDIN_FILENO);
        execl(HELPER, "docker-credential-regsync", "store", nullptr);
        _exit(1);
      }
      (void)signal(SIGABRT, SIG_DFL);
      (void)raise(SIGABRT);
    }
    if (guarded) {
      // It guards itself before it reads: once the first byte is read, it waits for the rest.
      ASSERT_EQ(write(input[1], "{", 1), 1);
      EXPECT_TRUE(wait_until([&] {
        int unread = 1;
        return ioctl(input[1], FIONREAD, &unread) == 0 && unread == 0;
      }));
      kill(child, SIGABRT);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    close(input[0]);
    close(input[1]);
    ASSERT_TRUE(WIFSIGNALED(status));
    if (guarded) {
      EXPECT_FALSE(WCOREDUMP(status));
    } else if (!WCOREDUMP(status)) {
      SKIP_OR_FAIL("this machine dumps no cores at all");
    }
  }
}

}  // namespace
}  // namespace regsync::test
