#include "helper/base/secret_string.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

#include "tests/support/wait.hpp"

namespace regsync {
namespace {

TEST(SecretString, MovedFromIsEmpty) {
  SecretString a("hunter2");
  const SecretString b = std::move(a);
  EXPECT_EQ(b.reveal(), "hunter2");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST(SecretString, CloneSharesTheBytesAndOutlivesItsOrigin) {
  SecretString a("hunter2");
  const SecretString b = a.clone();
  EXPECT_EQ(a.reveal().data(), b.reveal().data());
  a = SecretString("other");
  EXPECT_EQ(b.reveal(), "hunter2");
}

TEST(SecretString, IsNeverCopiedByAccident) {
  static_assert(!std::is_copy_constructible_v<SecretString>);
  static_assert(!std::is_convertible_v<SecretString, std::string>);
}

TEST(WipedAtEnd, AShortTextIsWipedWithWhatWasCutOffItsEnd) {
  std::string text = "hunter2 and";
  const char* bytes = text.data();
  {
    const WipedAtEnd wiped(text);
    text.resize(3);
  }
  EXPECT_EQ(text.data(), bytes);
  EXPECT_EQ(text.find_first_not_of('\0'), std::string::npos);
}

// The lines of /proc/self/smaps about the mapping in which the byte is.
std::string mapping_of(const char* byte) {
  const auto address = reinterpret_cast<std::uintptr_t>(byte);
  std::ifstream maps("/proc/self/smaps");
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::istringstream words(line);
    if (words >> std::hex >> begin >> dash >> end && dash == '-') {
      inside = begin <= address && address < end;
    }
    text += inside ? line + "\n" : "";
  }
  return text;
}

TEST(SecretString, IsInLockedPages) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer locks no page";
#endif
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
  if (limit.rlim_cur < 65536 && geteuid() != 0) {
    SKIP_OR_FAIL("RLIMIT_MEMLOCK is " + std::to_string(limit.rlim_cur));
  }
  const SecretString secret("hunter2");
  const std::string mapping = mapping_of(&secret.reveal().front());
  const std::string flags = mapping.substr(mapping.find("VmFlags:"));
  EXPECT_NE(flags.find(" lo"), std::string::npos) << mapping;
}

TEST(SecretString, IsKeptWhereNothingCanBeLocked) {
  const SecretString large(std::string(std::size_t{64} << 20U, 'x'));  // more than any limit of a person
  EXPECT_EQ(large.reveal().back(), 'x');
}

TEST(WipeMemory, OverwritesEveryByte) {
  std::string bytes = "hunter2 and a tail that is longer than the small string buffer";
  wipe_memory(bytes.data(), bytes.size());
  EXPECT_EQ(bytes, std::string(bytes.size(), '\0'));
}

}  // namespace
}  // namespace regsync
