#include "sync/cli/view/pull_remedy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace regsync::cli {
namespace {

Target target(const std::string& name, const std::string& secret) {
  Target target;
  target.name = name;
  target.secret = secret;
  target.registries = {"ghcr.io"};
  target.contexts = {"dev*"};
  target.namespaces = {"team-a"};
  return target;
}

std::string remedy(const PullFinding& finding, const std::vector<Target>& targets = {},
                   const std::string& controller = "") {
  Pod pod;
  pod.name_space = "team-a";
  pod.name = "app";
  pod.service_account = "default";
  pod.pull_secrets = {"regcred"};
  pod.controller = controller;
  pod.made_anew = controller.starts_with("Deployment/");
  return remedy_of(finding, "dev 1", pod, {"main", "ghcr.io/acme/app:1", "ErrImagePull", ""},
                   parse_image("ghcr.io/acme/app:1"), targets);
}

TEST(PullRemedy, WithoutATargetOneIsAdded) {
  EXPECT_EQ(remedy({PullCause::secret_missing, "", "regcred", {}}),
            "regsync add regcred --registry ghcr.io --context 'dev 1' -n team-a --wait");
  EXPECT_EQ(remedy({PullCause::no_pull_secret, "", "", {}}),
            "regsync add ghcr-io --registry ghcr.io --context 'dev 1' -n team-a --service-account default --wait; "
            "then recreate the pod: kubectl --context 'dev 1' -n team-a get pod app -o yaml | "
            "kubectl --context 'dev 1' -n team-a replace --force -f -");
  EXPECT_EQ(remedy({PullCause::login_denied, "", "my.secret", {}}),
            "log in, and let regsync keep the Secret: docker login ghcr.io && regsync add my-secret --secret-name "
            "my.secret --registry ghcr.io --context 'dev 1' -n team-a --adopt --wait");
}

// kubelet demands equal ports.
TEST(PullRemedy, AnImageThatNamesThePort443NeedsAnEntryThatDoes) {
  const auto remedy = [](const std::string& image, const std::vector<Target>& targets) {
    Pod pod;
    pod.name_space = "team-a";
    pod.name = "app";
    return remedy_of({PullCause::no_matching_entry, "", "regcred", {"quay.io:443"}}, "dev", pod,
                     {"main", image, "ErrImagePull", ""}, parse_image(image), targets);
  };
  EXPECT_EQ(remedy("ghcr.io:443/acme/app:1", {target("web", "regcred")}), "regsync set web registries+=ghcr.io:443");
  EXPECT_EQ(remedy("ghcr.io:443/acme/app:1", {}),
            "regsync add regcred --registry ghcr.io:443 --registry quay.io:443 --context dev -n team-a --adopt --wait");
  Target with_port = target("web", "regcred");
  with_port.registries = {"ghcr.io:443"};
  EXPECT_EQ(remedy("ghcr.io/acme/app:1", {with_port}), "regsync set web registries+=ghcr.io");
}

// What a Secret holds beside the missing entry is not lost.
TEST(PullRemedy, ASecretIsTakenOverWithItsOtherEntries) {
  EXPECT_EQ(remedy({PullCause::no_matching_entry, "", "regcred", {"https://quay.io", "*.example.com", "nowhere"}}),
            "regsync add regcred --registry ghcr.io --registry quay.io --context 'dev 1' -n team-a --adopt --wait");
}

TEST(PullRemedy, WithATargetThatOneIsUsed) {
  const std::vector<Target> targets{target("web", "regcred")};
  EXPECT_EQ(remedy({PullCause::secret_malformed, "", "regcred", {}}, targets),
            "write it again: regsync sync web --adopt");
  EXPECT_EQ(remedy({PullCause::login_denied, "", "regcred", {}}, targets),
            "log in again: docker login ghcr.io; regsync writes the new login");
  EXPECT_EQ(remedy({PullCause::no_matching_entry, "", "regcred", {}}, targets), "regsync set web registries+=ghcr.io");
}

// The target has Docker Hub already, and its entry serves images of docker.io only.
TEST(PullRemedy, AnImageByAnotherNameOfDockerHubIsNamedAnew) {
  Target hub = target("web", "regcred");
  hub.registries = {"docker.io"};
  const auto remedy = [&](const std::string& controller) {
    Pod pod;
    pod.name_space = "team-a";
    pod.name = "app";
    pod.controller = controller;
    pod.made_anew = controller.starts_with("Deployment/");
    const PullFailure failure{"main", "registry-1.docker.io/acme/app:1", "ErrImagePull", ""};
    return remedy_of({PullCause::no_matching_entry, "", "regcred", {}}, "dev", pod, failure, parse_image(failure.image),
                     {hub});
  };
  EXPECT_EQ(remedy(""),
            "name the image docker.io/acme/app:1: kubectl --context dev -n team-a set image pod/app "
            "main=docker.io/acme/app:1");
  EXPECT_EQ(remedy("Deployment/app"),
            "name the image docker.io/acme/app:1 where the pod comes from: kubectl --context dev -n team-a edit "
            "Deployment/app");
}

// What is changed in a pod that something else makes, or in a Job, is undone or refused.
TEST(PullRemedy, APodIsChangedWhereItComesFrom) {
  const auto said = [](PullCause cause, const std::string& controller) {
    return remedy({cause, "", "", {}}, {}, controller);
  };
  const std::string edit = " where the pod comes from: kubectl --context 'dev 1' -n team-a edit Deployment/app";
  EXPECT_EQ(said(PullCause::invalid_image, "Deployment/app"), "name an image" + edit);
  EXPECT_EQ(said(PullCause::never_pulled, "Deployment/app"),
            "load the image on the node, or write imagePullPolicy: IfNotPresent" + edit);

  const std::string job = " where Job/import comes from (a CronJob, a file): the Job itself cannot be changed";
  EXPECT_EQ(said(PullCause::invalid_image, "Job/import"), "name an image" + job);
  EXPECT_EQ(said(PullCause::never_pulled, "Job/import"),
            "load the image on the node, or write imagePullPolicy: IfNotPresent" + job);

  EXPECT_EQ(said(PullCause::invalid_image, ""),
            "name an image: kubectl --context 'dev 1' -n team-a set image pod/app main=IMAGE");
  EXPECT_EQ(said(PullCause::never_pulled, ""),
            "kubectl --context 'dev 1' -n team-a get pod app -o yaml | sed 's/imagePullPolicy: Never/imagePullPolicy: "
            "IfNotPresent/' | kubectl --context 'dev 1' -n team-a replace --force -f -");
}

// Another one would make a second Secret there.
TEST(PullRemedy, OfSeveralTargetsTheOneInThePodsNamespaceIsUsed) {
  Target elsewhere = target("aa", "other");
  elsewhere.namespaces = {"team-c"};
  Target here = target("n1", "cred");
  here.namespaces = {"team-a"};
  EXPECT_THAT(remedy({PullCause::no_pull_secret, "", "", {}}, {elsewhere, here}),
              testing::StartsWith("regsync set n1 serviceAccounts+=default"));
}

TEST(PullRemedy, TheLoginOfAnAccountIsThatOfItsTarget) {
  Target one = target("web", "regcred");
  one.registries = {"ghcr.io/other", "work@ghcr.io/acme", "quay.io"};
  EXPECT_EQ(remedy({PullCause::login_denied, "", "regcred", {}}, {one}),
            "log in again: regsync login --account work ghcr.io; regsync writes the new login");
}

// Whether a shell would take a part of the values in the command for more than text: what stands there outside of
// single quotes.
bool is_quoted(std::string_view command) {
  bool quoted = false;
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (command[i] == '\'') {
      quoted = !quoted;
    } else if (!quoted && command[i] == '\\') {
      ++i;
    } else if (!quoted && command.substr(i).starts_with("$(")) {
      return false;
    }
  }
  return !quoted;
}

TEST(PullRemedy, EveryCommandIsQuoted) {
  const std::string evil = "a;$(b) 'c";
  Pod pod;
  pod.name_space = pod.name = pod.service_account = evil;
  pod.pull_secrets = {evil};
  Image image;
  image.host = image.repository = image.reference = evil;
  Target one = target("web", evil);
  one.registries = {evil};
  one.contexts = {"*"};
  Target selecting = one;
  selecting.namespace_selector = LabelSelector::parse("a=b");
  for (int cause = 0; cause <= static_cast<int>(PullCause::other); ++cause) {
    const PullFinding finding{static_cast<PullCause>(cause), evil, evil, {evil}};
    for (const auto& targets : {std::vector<Target>{}, {one}, {selecting}}) {
      for (const std::string& controller : {std::string(), "Deployment/" + evil, "Workflow/" + evil}) {
        pod.controller = controller;
        pod.made_anew = controller.starts_with("Deployment/");
        const std::string text = remedy_of(finding, evil, pod, {evil, evil, evil, evil}, image, targets);
        // What stands before a ":" is said to people.
        const bool begins = text.starts_with("kubectl ") || text.starts_with("regsync ");
        EXPECT_TRUE(is_quoted(std::string_view(text).substr(begins ? 0 : text.find(": ")))) << text;
      }
    }
  }
}

TEST(PullRemedy, TheTargetGetsWhatItLacksForThePod) {
  Target one = target("web", "regcred");
  one.registries = {"work@ghcr.io/acme"};
  one.namespaces = {"team-b"};
  const auto begin = [&] {
    const std::string text = remedy({PullCause::no_pull_secret, "", "", {}}, {one});
    return text.substr(0, text.find(';'));
  };
  EXPECT_EQ(begin(), "regsync set web namespaces+=team-a serviceAccounts+=default");
  one.namespaces = {"team-*"};
  EXPECT_EQ(begin(), "regsync set web serviceAccounts+=default");
  one.service_accounts = {"default"};
  one.namespaces = {"team-b"};
  EXPECT_EQ(begin(), "regsync set web namespaces+=team-a");
  one.namespaces = {"team-*"};
  EXPECT_EQ(begin(), "see why the ServiceAccount does not name it: regsync status web --context 'dev 1'");
}

TEST(PullRemedy, AMissingSecretOfATargetIsLookedForWhereItCanBe) {
  Target one = target("web", "regcred");
  const auto missing = [&] { return remedy({PullCause::secret_missing, "", "regcred", {}}, {one}); };
  EXPECT_EQ(missing(), "see why it is not there: regsync status web --context 'dev 1'");
  one.namespaces = {"team-b"};
  EXPECT_EQ(missing(), "regsync set web namespaces+=team-a");
  one.namespaces.clear();
  EXPECT_EQ(missing(),
            "see why it is not there: regsync status web --context 'dev 1'; if the target does not select team-a: "
            "regsync edit web");
}

TEST(PullRemedy, ANamespaceThatTheTargetExcludesIsNotJustAdded) {
  Target one = target("web", "regcred");
  one.namespaces = {"team-*"};
  one.exclude_namespaces = {"team-[ab]"};
  const std::string let_in = "take team-a out of excludeNamespaces: regsync edit web";
  EXPECT_EQ(remedy({PullCause::secret_missing, "", "regcred", {}}, {one}), let_in);
  EXPECT_EQ(remedy({PullCause::no_pull_secret, "", "", {}}, {one}).substr(0, let_in.size()), let_in);
}

// There may be no other login for the host.
TEST(PullRemedy, ANewTargetUsesTheAccountThatAnotherOneUses) {
  Target other = target("web", "x");
  other.registries = {"work@ghcr.io/acme"};
  EXPECT_EQ(remedy({PullCause::secret_missing, "", "regcred", {}}, {other}),
            "regsync add regcred --registry work@ghcr.io --context 'dev 1' -n team-a --wait");
  EXPECT_EQ(remedy({PullCause::login_denied, "", "regcred", {}}, {other}),
            "log in, and let regsync keep the Secret: regsync login --account work ghcr.io && regsync add regcred "
            "--registry work@ghcr.io --context 'dev 1' -n team-a --adopt --wait");
  other.registries = {"work@ghcr.io/other"};
  EXPECT_EQ(remedy({PullCause::secret_missing, "", "regcred", {}}, {other}),
            "regsync add regcred --registry ghcr.io --context 'dev 1' -n team-a --wait");
}

TEST(PullRemedy, ATargetOfAnotherPathIsNotTheOne) {
  Target one = target("web", "x");
  one.registries = {"ghcr.io/other"};
  const std::string text = remedy({PullCause::no_pull_secret, "", "", {}}, {one});
  EXPECT_TRUE(text.starts_with("regsync add ghcr-io --registry ghcr.io")) << text;
}

TEST(PullRemedy, ANewTargetTakesNoNameThatIsTaken) {
  EXPECT_EQ(remedy({PullCause::secret_missing, "", "other", {}}, {target("other", "x")}),
            "regsync add other-2 --secret-name other --registry ghcr.io --context 'dev 1' -n team-a --wait");
}

TEST(PullRemedy, APodThatItsControllerMakesAnewIsDeleted) {
  for (const char* controller : {"Deployment/app", "Job/import"}) {
    EXPECT_EQ(remedy({PullCause::older_than_account, "", "regcred", {}}, {}, controller),
              "recreate the pod: kubectl --context 'dev 1' -n team-a delete pod app");
  }
  EXPECT_EQ(remedy({PullCause::pullable, "", "", {}}, {}, "Deployment/app"),
            "if it cannot wait: kubectl --context 'dev 1' -n team-a delete pod app");
}

TEST(PullRemedy, APodWhoseEndIsAFailureIsNotDeleted) {
  const std::string wait = "wait for the node: kubectl --context 'dev 1' -n team-a get pod app --watch";
  for (const char* controller : {"Workflow/build-1", "Job/import", "Pod/driver", ""}) {
    EXPECT_EQ(remedy({PullCause::pullable, "", "", {}}, {}, controller), wait) << controller;
  }
  EXPECT_EQ(remedy({PullCause::older_than_account, "", "regcred", {}}, {}, "Workflow/build-1"),
            "recreate the pod: start Workflow/build-1 anew, which may fail where only its pod is deleted");
  EXPECT_EQ(remedy({PullCause::invalid_image, "", "", {}}, {}, "Workflow/build-1"),
            "name an image where the pod comes from: Workflow/build-1, or what made that");
}

}  // namespace
}  // namespace regsync::cli
