#include "sync/fleet/footprint_data.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace regsync {
namespace {

Footprint footprint(const std::vector<std::string>& contexts) {
  Footprint made;
  for (const auto& context : contexts) {
    made.contexts[context].secrets["cred"] = {false, {"team"}};
  }
  return made;
}

FootprintData data_of(const Footprint& footprint) {
  FootprintData data{{forgotten_key, forgotten_value(&footprint)}};
  for (const auto& [context, places] : footprint.contexts) {
    data[context_key(context)] = context_value(&footprint, context).value();
  }
  return data;
}

TEST(FootprintData, IsReadAsItWasWritten) {
  Footprint written = footprint({"fleet/a", "arn:aws:eks/ü", std::string(400, 'x')});
  written.forgotten = true;
  written.kept.insert("fleet/a");
  written.own_namespaces["fleet/a"] = "team";
  written.pinned["fleet/a"] = "u1";
  Footprint read;
  update_footprint(read, {}, data_of(written));
  EXPECT_EQ(read, written);
}

// A ConfigMap's keys: [-._a-zA-Z0-9]{1,253}.
TEST(FootprintData, EveryContextHasAKeyOfItsOwnThatAConfigMapTakes) {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  std::set<std::string> keys;
  for (const auto& context : {std::string("a/b"), std::string("a_b"), std::string("ü"), std::string(400, 'x') + "1",
                              std::string(400, 'x') + "2", std::string("forgotten")}) {
    const auto key = context_key(context);
    EXPECT_LE(key.size(), 253U) << context;
    EXPECT_EQ(key.find_first_not_of(allowed), std::string::npos) << key;
    EXPECT_NE(key, forgotten_key);
    EXPECT_TRUE(keys.insert(key).second) << context;
  }
}

TEST(FootprintData, OnlyWhatDiffersIsRead) {
  const FootprintData before = data_of(footprint({"a", "b", "c"}));
  Footprint changed = footprint({"b", "c", "d"});
  changed.contexts["c"].secrets["other"] = {true, {}};
  Footprint known = footprint({"a", "b", "c"});
  known.contexts["b"].secrets["unread"] = {true, {}};
  update_footprint(known, before, data_of(changed));
  changed.contexts["b"].secrets["unread"] = {true, {}};
  EXPECT_EQ(known, changed);
}

TEST(FootprintData, AKeyThatIsTakenAwayIsForgottenWithAllThatItSaid) {
  Footprint written = footprint({"a"});
  written.forgotten = true;
  written.kept.insert("a");
  written.own_namespaces["a"] = "team";
  written.pinned["a"] = "u1";
  Footprint known = written;
  update_footprint(known, data_of(written), {});
  EXPECT_EQ(known, Footprint());
}

TEST(FootprintData, WhatNobodyWroteThatWayIsRefused) {
  for (const auto& data :
       {FootprintData{{"x", "no JSON"}}, FootprintData{{"x", "{}"}}, FootprintData{{"x", "[]"}},
        FootprintData{{"x", R"({"context": "a", "kept": false})"}},
        FootprintData{{"x", R"({"context": "a", "kept": false, "secrets": {}, "serviceAccounts": [], "deep":)" +
                                std::string(1000, '[') + std::string(1000, ']') + "}"}},
        FootprintData{{"x", R"({"context": "a", "kept": false, "secrets": {}, "serviceAccounts": [], "pinned": ""})"}},
        FootprintData{{forgotten_key, "maybe"}}, FootprintData{{forgotten_key, "3"}}}) {
    Footprint footprint;
    EXPECT_THROW(update_footprint(footprint, {}, data), std::exception) << data.begin()->second;
  }
}

TEST(FootprintData, TwoAgreeOnAContextWhereAllThatIsSaidOfItIsEqual) {
  const Footprint one = footprint({"a"});
  Footprint other = footprint({"a", "b"});
  EXPECT_TRUE(agree_on("a", &one, &other));
  EXPECT_FALSE(agree_on("b", &one, &other));
  EXPECT_TRUE(agree_on("c", &one, nullptr));
  EXPECT_FALSE(agree_on("a", &one, nullptr));
  other.kept.insert("a");
  EXPECT_FALSE(agree_on("a", &one, &other));
  copy_context("a", one, other);
  EXPECT_TRUE(agree_on("a", &one, &other));
  other.pinned["a"] = "u1";
  EXPECT_FALSE(agree_on("a", &one, &other));
  copy_context("a", one, other);
  copy_context("b", one, other);
  EXPECT_EQ(other, one);
}

}  // namespace
}  // namespace regsync
