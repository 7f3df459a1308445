// Lines that are longer than the terminal.
#include "sync/cli/view/fold.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace regsync::cli {
namespace {

TEST(Fold, WhatFitsStaysAsItIs) {
  EXPECT_EQ(folded("one line\n\nanother\n", 10), "one line\n\nanother\n");
  EXPECT_EQ(folded("no line end", 11), "no line end");
  EXPECT_EQ(folded("", 80), "");
}

TEST(Fold, ASentenceBreaksBetweenWordsAndGoesOnIndented) {
  EXPECT_EQ(folded("error: the keyring is locked now\n", 20), "error: the keyring\n  is locked now\n");
  EXPECT_EQ(folded("  -> unlock it, and try again\n", 20), "  -> unlock it, and\n    try again\n");
}

TEST(Fold, ACommandStaysWholeSoThatItCanBeCopied) {
  EXPECT_EQ(folded("hint: create it, and go on: kubectl create namespace team-a\n", 40),
            "hint: create it, and go on:\n  kubectl create namespace team-a\n");
  EXPECT_EQ(folded("hint: try: regsync rbac web | kubectl apply -f -; then: regsync sync\n", 44),
            "hint: try:\n  regsync rbac web | kubectl apply -f -;\n  then: regsync sync\n");
  EXPECT_EQ(folded("hint: on a machine run `regsync setup --headless` once\n", 40),
            "hint: on a machine run\n  `regsync setup --headless` once\n");
  EXPECT_EQ(folded("hint: do: kubectl --context dev -n team-a get pods\n", 20),
            "hint: do:\n  kubectl --context dev -n team-a get pods\n")
      << "longer than the terminal, which wraps it";
}

TEST(Fold, CommandsOfRemediesAreKnown) {
  EXPECT_EQ(folded("hint: start it: regsyncd &\n", 24), "hint: start it:\n  regsyncd &\n");
  EXPECT_EQ(folded("hint: unset DBUS_SESSION_BUS_ADDRESS; or log in\n", 39),
            "hint: unset DBUS_SESSION_BUS_ADDRESS;\n  or log in\n");
  EXPECT_EQ(folded("hint: unset DBUS_SESSION_BUS_ADDRESS\n", 12), "hint:\n  unset DBUS_SESSION_BUS_ADDRESS\n");
}

TEST(Fold, ASentenceMayBeginWithTheNameOfAProgram) {
  EXPECT_EQ(folded("error: docker keeps no login here\n", 20), "error: docker keeps\n  no login here\n");
  EXPECT_EQ(folded("regsync keeps Secrets equal\n", 20), "regsync keeps\n  Secrets equal\n");
}

TEST(Fold, WhatHelpShowsToCopyStaysWholeAndCommentsStayComments) {
  EXPECT_EQ(folded("  regsync add web --registry ghcr.io\n", 20), "  regsync add web --registry ghcr.io\n");
  EXPECT_EQ(folded("  regsync add x --namespace-selector 'env in (prod)' --pin\n", 20),
            "  regsync add x --namespace-selector 'env in (prod)' --pin\n");
  EXPECT_EQ(folded("  # one two three four\n", 14), "  # one two\n  # three four\n");
}

TEST(Fold, FoldedTextFoldsNoFurther) {
  const std::string text = "hint: go on: kubectl --context dev -n team-a get pods; or wait for it to end\n";
  const std::string once = folded(text, 30);
  EXPECT_EQ(folded(once, 30), once);
}

TEST(Fold, ARowBreaksInItsLastCellOrBetweenCells) {
  EXPECT_EQ(folded("ok   docker   keeps its logins here and there\n", 40),
            "ok   docker   keeps its logins here and\n              there\n");
  EXPECT_EQ(folded("web   dev,prod-east,prod-west   NamespaceMissing\n", 40),
            "web   dev,prod-east,prod-west\n  NamespaceMissing\n");
}

TEST(Fold, AColourGoesOnAfterTheBreak) {
  EXPECT_EQ(folded("\x1b[33m-> one two three\x1b[0m\n", 10), "\x1b[33m-> one two\x1b[0m\n  \x1b[33mthree\x1b[0m\n");
}

TEST(Fold, OnlyAStreamThatHasColumnsIsFolded) {
  std::ostringstream pipe;
  print_folded(pipe, "one two three\n");
  EXPECT_EQ(pipe.str(), "one two three\n");
  std::ostringstream terminal;
  set_columns(terminal, 8);
  print_folded(terminal, "one two three\n");
  EXPECT_EQ(terminal.str(), "one two\n  three\n");
}

}  // namespace
}  // namespace regsync::cli
