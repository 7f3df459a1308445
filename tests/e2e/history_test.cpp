// Random histories on real parts: logins, logouts, target files, removals, namespaces, foreign edits, and a daemon that
// is killed between any two of them. Whatever happened: once it is quiet, both clusters hold what is desired, and what
// is somebody else's is as they left it. tests/integration/engine/engine_property_test.cpp does the same thousands of
// times without the real parts.
//
// REGSYNC_SEED=n replays one history.
#include <algorithm>
#include <csignal>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "tests/e2e/main_job.hpp"
#include "tests/support/seeds.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const std::vector<std::string> contexts{"a", "b"};
const std::vector<std::string> secrets{"cred", "other"};
const std::vector<std::string> registries{"one.example", "two.example"};

struct Place {
  std::string context;
  std::string name_space;
  std::string secret;
  auto operator<=>(const Place&) const = default;
};

struct Wish {  // a target file, as far as it is used here
  std::string secret;
  std::vector<std::string> registries;
  std::vector<std::string> contexts;
  std::vector<std::string> namespaces;  // none: those with env=prod
  bool remove_on_logout = false;
};

bool has(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

class RandomHistory : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (const auto missing = missing_part()) {
      SKIP_OR_FAIL(*missing);
    }
    for (int i = 0; i < 3; ++i) {
      namespaces_.push_back(job_.make_namespace("history" + std::to_string(GetParam()) + "-" + std::to_string(i)));
    }
    for (const auto& registry : registries) {
      job_.erase_login(registry);  // the keyring is that of all tests here
    }
    job_.use_both_clusters();
    job_.start_daemon();
  }

  void step() {
    static const std::vector<void (RandomHistory::*)()> steps{
        &RandomHistory::log_in,       &RandomHistory::log_in,       &RandomHistory::log_out,
        &RandomHistory::write_target, &RandomHistory::write_target, &RandomHistory::remove_target,
        &RandomHistory::relabel,      &RandomHistory::meddle,       &RandomHistory::put_in_the_way,
        &RandomHistory::kill};
    (this->*steps[pick(steps.size())])();
  }

  void kill() {
    story_ << "kill -9\n";
    job_.stop_daemon(SIGKILL);
    job_.start_daemon();
  }

  // What differs from what is desired; nothing, if all is as it should be.
  [[nodiscard]] std::string fault() const {
    std::string faults;
    for (const auto& context : contexts) {
      for (const auto& name_space : namespaces_) {
        for (const auto& secret : secrets) {
          faults += fault_at({context, name_space, secret});
        }
      }
    }
    return faults;
  }

  [[nodiscard]] std::string story() const {
    return "seed " + std::to_string(seed_) + ":\n" + story_.str() + job_.regsync({"status", "-o", "wide"}).out;
  }

  void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(pick(80))); }

  Job job_;

 private:
  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  const std::string& any(const std::vector<std::string>& values) { return values[pick(values.size())]; }
  Place any_place() { return {any(contexts), any(namespaces_), any(secrets)}; }

  void log_in() {
    const auto& registry = any(registries);
    logins_[registry] = new_password();
    story_ << "login " << registry << "\n";
    job_.store_login(registry, "jdoe", logins_[registry]);
  }

  void log_out() {
    const auto& registry = any(registries);
    logins_.erase(registry);
    story_ << "logout " << registry << "\n";
    job_.erase_login(registry);
  }

  void write_target() {
    const auto name = any({"t0", "t1", "t2"});
    Wish wish;
    wish.secret = any(secrets);
    wish.registries = pick(2) == 0 ? registries : std::vector{any(registries)};
    wish.contexts = pick(2) == 0 ? contexts : std::vector{any(contexts)};
    if (pick(2) == 0) {
      wish.namespaces = {any(namespaces_), any(namespaces_)};
    }
    wish.remove_on_logout = pick(2) == 0;
    json file{{"secret", wish.secret},
              {"registries", wish.registries},
              {"contexts", wish.contexts},
              {"onLogout", wish.remove_on_logout ? "remove" : "keep"}};
    if (wish.namespaces.empty()) {
      file["namespaceSelector"] = "env=prod";
    } else {
      file["namespaces"] = wish.namespaces;
    }
    story_ << "target " << name << ": " << file << "\n";
    job_.home().write(".config/regsync/targets/" + name + ".yaml", file.dump() + "\n");
    wishes_[name] = std::move(wish);
  }

  void remove_target() {
    if (wishes_.empty()) {
      return;
    }
    const auto name = std::next(wishes_.begin(), static_cast<std::ptrdiff_t>(pick(wishes_.size())))->first;
    story_ << "remove " << name << "\n";
    const Process removal(job_.program({"regsync", "remove", name}));
    // It has told the daemon, and deleted the file, before it waits for the clusters.
    EXPECT_TRUE(wait_until(
        [&] { return !std::filesystem::exists(job_.home() / (".config/regsync/targets/" + name + ".yaml")); }));
    wishes_.erase(name);
  }

  void relabel() {
    const auto& context = any(contexts);
    const auto& name_space = any(namespaces_);
    const bool prod = pick(2) == 0;
    story_ << "namespace " << context << "/" << name_space << (prod ? " is prod\n" : " is not prod\n");
    const auto done =
        kube(context).kubectl({"label", "namespace", name_space, "--overwrite", prod ? "env=prod" : "env-"});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    (prod ? (void)prod_.insert({context, name_space}) : (void)prod_.erase({context, name_space}));
  }

  void meddle() {
    const auto place = any_place();
    if (foreign_.contains(place)) {
      return;
    }
    const bool deleted = pick(2) == 0;
    story_ << "somebody " << (deleted ? "deletes " : "edits ") << show(place) << "\n";
    if (deleted) {
      (void)kube(place.context).kubectl({"delete", "secret", place.secret, "-n", place.name_space});
    } else {
      (void)kube(place.context)
          .kubectl({"patch", "secret", place.secret, "-n", place.name_space, "--type=merge", "-p",
                    R"({"data":{".dockerconfigjson":"e30="}})"});
    }
  }

  void put_in_the_way() {
    const auto place = any_place();
    const auto made = kube(place.context)
                          .kubectl({"create", "secret", "generic", place.secret, "-n", place.name_space,
                                    "--from-literal=key=theirs"});
    if (made.exit_code == 0) {
      story_ << "a Secret of somebody else at " << show(place) << "\n";
      foreign_[place] = job_.secret(place.context, place.name_space, place.secret).value();
    }
  }

  static std::string show(const Place& place) { return place.context + "/" + place.name_space + "/" + place.secret; }

  // The first target by name that wants something there.
  [[nodiscard]] std::optional<std::pair<std::string, Wish>> claim(const Place& place) const {
    for (const auto& [name, wish] : wishes_) {
      if (wish.secret == place.secret && selects(wish, place)) {
        return std::pair(name, wish);
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] bool selects(const Wish& wish, const Place& place) const {
    return has(wish.contexts, place.context) &&
           (wish.namespaces.empty() ? prod_.contains({place.context, place.name_space})
                                    : has(wish.namespaces, place.name_space));
  }
  [[nodiscard]] std::size_t logins_of(const Wish& wish) const {
    return static_cast<std::size_t>(std::count_if(wish.registries.begin(), wish.registries.end(),
                                                  [this](const auto& registry) { return logins_.contains(registry); }));
  }

  // Whether its target has another name for it now, and that Secret cannot be made, or not as it should be.
  [[nodiscard]] bool awaits_successor(const Place& place, const std::string& target) const {
    const auto wish = wishes_.find(target);
    if (wish == wishes_.end() || !selects(wish->second, place)) {
      return false;
    }
    const std::size_t logins = logins_of(wish->second);
    if (logins == 0 && wish->second.remove_on_logout) {
      return false;
    }
    const Place successor{place.context, place.name_space, wish->second.secret};
    const auto claimed = claim(successor);
    return foreign_.contains(successor) || !claimed || claimed->first != target ||
           logins < wish->second.registries.size();
  }

  static std::string target_of(const json& secret) {
    return secret.at("metadata").value("annotations", json::object()).value("regsync.dev/target", "");
  }

  [[nodiscard]] std::string fault_at(const Place& place) const {
    const auto live = job_.secret(place.context, place.name_space, place.secret);
    if (const auto foreign = foreign_.find(place); foreign != foreign_.end()) {
      return live == foreign->second ? "" : show(place) + " is not ours, and was changed\n";
    }
    const auto claimed = claim(place);
    if (!claimed) {
      return live && !awaits_successor(place, target_of(*live)) ? show(place) + " is claimed by nobody, and is there\n"
                                                                : "";
    }
    const auto& [name, wish] = *claimed;
    if (logins_of(wish) == 0) {
      return wish.remove_on_logout && live ? show(place) + " is there after the logout\n" : "";
    }
    if (!live) {
      return show(place) + " is missing\n";
    }
    if (target_of(*live) != name) {
      return show(place) + " is not that of " + name + "\n";
    }
    const auto auths = json::parse(pull_secret_content(*live)).value("auths", json::object());
    std::string faults;
    for (const auto& registry : wish.registries) {
      const auto login = logins_.find(registry);
      const auto entry = auths.value(registry, json::object());
      if (login != logins_.end() && entry.value("password", "") != login->second) {
        faults += show(place) + " is not current for " + registry + "\n";
      }
    }
    return faults;
  }

  const unsigned seed_ = static_cast<unsigned>(number_of("REGSYNC_SEED").value_or(GetParam()));
  std::mt19937 random_{seed_};
  std::ostringstream story_;
  std::vector<std::string> namespaces_;
  std::map<std::string, std::string> logins_;
  std::map<std::string, Wish> wishes_;
  std::set<std::pair<std::string, std::string>> prod_;
  std::map<Place, json> foreign_;
};

TEST_P(RandomHistory, EndsInTheDesiredState) {
  constexpr int length = 25;
  for (int i = 0; i < length && !HasFatalFailure(); ++i) {
    step();
    pause();
  }
  std::string wrong;
  EXPECT_TRUE(wait_until(
      [&] {
        wrong = fault();
        return wrong.empty();
      },
      30s))
      << wrong << story();
  kill();
  const auto synced = job_.regsync({"sync", "--timeout", "20s"});
  EXPECT_EQ(fault(), "") << "after a restart; " << synced.out << story();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHistory, testing::Range(0, 4));

}  // namespace
}  // namespace regsync::test
