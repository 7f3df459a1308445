#include "sync/cluster/cluster_cache.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <nlohmann/json.hpp>
#include <set>

#include "sync/model/resource_version.hpp"

namespace regsync {
namespace {

SecretView view_of_version(const std::string& version) {
  return view_secret({{"metadata", {{"resourceVersion", version}}}}, "id");
}

TEST(ClusterCache, ANamespaceIsKnownWhileItIsThereAndItsEntriesUntilTheyAreErased) {
  ClusterCache cache;
  const Key key{"team-a", "cred"};
  Entry& entry = cache.entry(key);
  entry.written = 7;
  EXPECT_EQ(cache.find_namespace("team-a"), nullptr) << "an entry does not make it exist";
  cache.for_each_namespace([](const std::string& name, const NamespaceView&) { ADD_FAILURE() << name; });

  cache.put_namespace("team-a", {.terminating = true, .labels = {}}, 1);
  ASSERT_NE(cache.find_namespace("team-a"), nullptr);
  EXPECT_TRUE(cache.find_namespace("team-a")->terminating);
  EXPECT_EQ(cache.find(key), &entry);

  cache.erase_namespace("team-a");
  EXPECT_EQ(cache.find_namespace("team-a"), nullptr);
  ASSERT_EQ(cache.find(key), &entry);
  EXPECT_EQ(entry.written, 7U);

  cache.erase(key);
  EXPECT_EQ(cache.find(key), nullptr);
  EXPECT_TRUE(cache.secret_names().empty());
}

TEST(ClusterCache, AListForgetsTheNamespacesThatItDidNotDeliver) {
  ClusterCache cache;
  cache.put_namespace("old", {}, 1);
  cache.put_namespace("old-with-entry", {}, 1);
  cache.put_namespace("new", {}, 2);
  cache.entry({"old-with-entry", "cred"});
  cache.entry({"unlisted", "cred"});
  cache.erase_namespaces_before(2);

  std::set<std::string> left;
  cache.for_each_namespace([&](const std::string& name, const NamespaceView&) { left.insert(name); });
  EXPECT_EQ(left, std::set<std::string>{"new"});
  std::set<std::string> with_entry;
  cache.for_each("cred", [&](const std::string& name, const Entry&) { with_entry.insert(name); });
  EXPECT_EQ(with_entry, (std::set<std::string>{"old-with-entry", "unlisted"}));
}

TEST(ClusterCache, AnErasedEntryLeavesThoseOfOtherNamesInItsNamespace) {
  ClusterCache cache;
  cache.entry({"team-a", "one"});
  Entry& other = cache.entry({"team-a", "other"});
  cache.erase({"team-a", "one"});
  cache.erase({"team-a", "one"});
  cache.erase({"team-b", "one"});
  EXPECT_EQ(cache.find({"team-a", "one"}), nullptr);
  EXPECT_EQ(cache.find({"team-a", "other"}), &other);
  EXPECT_EQ(cache.secret_names(), std::vector<std::string>{"other"});
}

TEST(ClusterCache, AVersionGoesBackToTheServerAsItCame) {
  for (const std::string version :
       {"1", "4711", "18446744073709551615", "18446744073709551616", "0", "007", "", "-1", "+1", "1 ", "5-a"}) {
    ClusterCache cache;
    Entry& entry = cache.entry({"team-a", "cred"});
    entry.secret = cache.share(view_of_version(version));
    entry.version = version_number(version);
    EXPECT_EQ(entry.resource_version(), version);
  }
}

TEST(SharedValues, KeepsEachValueOnceAndOnlyWhileItIsHeld) {
  SharedValues<std::shared_ptr<int>> values;
  const auto value = std::make_shared<int>(1);
  auto one = values.share(value);
  auto other = values.share(value);
  EXPECT_EQ(one, other);
  EXPECT_EQ(value.use_count(), 2);
  EXPECT_NE(values.share(std::make_shared<int>(1)), one);
  one = nullptr;
  EXPECT_EQ(*other, value);
  other = values.share(nullptr);
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_EQ(*values.share(value), value);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // their heaps are not malloc's

std::size_t allocated() {
  const auto heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

// What the head of cluster_cache.hpp says. The longer a name, the more it costs; up to 15 characters are free.
TEST(ClusterCache, IsSmall) {
  constexpr std::size_t count = 10'000;
  const auto key = [](std::size_t i) { return Key{"team-" + std::to_string(i), "cred"}; };
  ClusterCache cache;
  view_of_version("1");  // OpenSSL takes memory of its own at the first digest
  const auto before = allocated();
  for (std::size_t i = 0; i < count; ++i) {
    cache.put_namespace(key(i).name_space, {.terminating = false, .labels = {{"env", "prod"}}}, 1);
  }
  const auto with_namespaces = allocated();
  for (std::size_t i = 0; i < count; ++i) {
    Entry& entry = cache.entry(key(i));
    entry.version = i + 1;
    entry.secret = cache.share(view_of_version(std::to_string(entry.version)));
  }
  const auto with_entries = allocated();
  EXPECT_LE(with_namespaces - before, 92 * count);
  EXPECT_LE(with_entries - with_namespaces, 124 * count);
  EXPECT_GE(with_entries - before, count * sizeof(Entry)) << "it does measure";
}

#endif

}  // namespace
}  // namespace regsync
