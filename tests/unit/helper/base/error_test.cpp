#include "helper/base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace regsync {
namespace {

template <typename Exception>
Error caught(const Exception& exception) {
  return error_of(std::make_exception_ptr(exception));
}

TEST(ErrorOf, AnErrorComesThroughAsItIs) {
  Error thrown(ErrorCode::overloaded, "slow down", "wait");
  thrown.retry_after(std::chrono::seconds(7));
  const Error error = caught(thrown);
  EXPECT_EQ(error.code(), ErrorCode::overloaded);
  EXPECT_EQ(error.message(), "slow down");
  EXPECT_EQ(error.remedy(), "wait");
  EXPECT_EQ(error.retry_after(), std::chrono::seconds(7));
}

TEST(ErrorOf, CancelledIsToldFromFailed) {
  EXPECT_EQ(caught(std::system_error(ECANCELED, std::system_category())).code(), ErrorCode::cancelled);
  EXPECT_EQ(caught(std::system_error(EIO, std::system_category())).code(), ErrorCode::internal);
}

// A parser's exception quotes what it parsed.
TEST(ErrorOf, TheTextOfAnUnexpectedExceptionIsNotRepeated) {
  const Error error = caught(std::runtime_error("parse error near hunter2"));
  EXPECT_EQ(error.code(), ErrorCode::internal);
  EXPECT_EQ(describe(error).find("hunter2"), std::string::npos);
}

TEST(ErrorOf, WhatIsNoExceptionAtAllIsAnErrorToo) { EXPECT_EQ(caught(42).code(), ErrorCode::internal); }

TEST(Describe, EndsInTheRemedyWhereThereIsOne) {
  EXPECT_EQ(describe(Error(ErrorCode::locked, "the keyring is locked")), "the keyring is locked");
  EXPECT_EQ(describe(Error(ErrorCode::locked, "the keyring is locked", "unlock it")),
            "the keyring is locked; unlock it");
}

TEST(AnError, IsOneLineWhateverTheNameOfAFile) {
  const Error error(ErrorCode::invalid_input, "targets/x\nall is well.yaml: \x1b[2K", "rm 'x\ny'");
  EXPECT_EQ(describe(error), "targets/x all is well.yaml: [2K; rm 'x y'");
  EXPECT_EQ(error.within("a\nb").message(), "a b: targets/x all is well.yaml: [2K");
}

TEST(ErrorWithin, LeadsTheMessageByItsSubjectAndKeepsTheRest) {
  const Error error = Error(ErrorCode::timeout, "no answer", "look").within("context dev");
  EXPECT_EQ(error.message(), "context dev: no answer");
  EXPECT_EQ(error.remedy(), "look");
  EXPECT_EQ(error.code(), ErrorCode::timeout);
}

TEST(ErrorOf, AFailureOfTheFileSystemNamesTheFile) {
  using std::filesystem::filesystem_error;
  const std::error_code denied(EACCES, std::system_category());
  EXPECT_EQ(caught(filesystem_error("rename", "/a", "/b", denied)).message(), "/a: Permission denied");
  EXPECT_EQ(caught(filesystem_error("cwd", denied)).message(), "Permission denied");
}

}  // namespace
}  // namespace regsync
