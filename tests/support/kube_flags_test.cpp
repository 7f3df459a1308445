// kube-flags asks a kube-apiserver which flags it has. The binary here is a script that prints what real ones print.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// The relevant lines of `kube-apiserver --help`, with the lists of plugins of each version.
constexpr const char* help_1_20 = R"(
      --enable-priority-and-fairness                 If true and the APIPriorityAndFairness feature gate is enabled, replace the max-in-flight handler with an enhanced one that queues and dispatches with priority and fairness (default true)
      --storage-media-type string                The media type to use to store objects in storage. Some resources or storage backends may only support a specific media type and will ignore this setting. (default "application/vnd.kubernetes.protobuf")
      --profiling                Enable profiling via web interface host:port/debug/pprof/ (default true)
      --runtime-config mapStringString   A set of key=value pairs that enable or disable built-in APIs. Supported options are:
      --disable-admission-plugins strings      admission plugins that should be disabled although they are in the default enabled plugins list (NamespaceLifecycle, LimitRanger, ServiceAccount, TaintNodesByCondition, Priority, DefaultTolerationSeconds, DefaultStorageClass, StorageObjectInUseProtection, PersistentVolumeClaimResize, RuntimeClass, CertificateApproval, CertificateSigning, CertificateSubjectRestriction, DefaultIngressClass, MutatingAdmissionWebhook, ValidatingAdmissionWebhook, ResourceQuota). Comma-delimited list of admission plugins: AlwaysAdmit, AlwaysDeny, AlwaysPullImages, CertificateApproval, DefaultIngressClass, DefaultStorageClass, DefaultTolerationSeconds, NamespaceLifecycle, PersistentVolumeClaimResize, PodSecurityPolicy, Priority, ResourceQuota, RuntimeClass, SecurityContextDeny, ServiceAccount, ValidatingAdmissionWebhook. The order of plugins in this flag does not matter.
      --endpoint-reconciler-type string             Use an endpoint reconciler (master-count, lease, none) (default "lease")
)";

constexpr const char* help_1_36 = R"(
      --enable-priority-and-fairness                 If true, replace the max-in-flight handler with an enhanced one that queues and dispatches with priority and fairness (default true)
      --storage-media-type string                The media type to use to store objects in storage. Some resources or storage backends may only support a specific media type and will ignore this setting. Supported media types: [application/json, application/yaml, application/vnd.kubernetes.protobuf] (default "application/vnd.kubernetes.protobuf")
      --profiling                Enable profiling via web interface host:port/debug/pprof/ (default true)
      --runtime-config mapStringString   A set of key=value pairs that enable or disable built-in APIs. Supported options are:
      --disable-admission-plugins strings      admission plugins that should be disabled although they are in the default enabled plugins list (NamespaceLifecycle, LimitRanger, ServiceAccount, TaintNodesByCondition, PodSecurity, Priority, DefaultTolerationSeconds, DefaultStorageClass, RuntimeClass, DefaultIngressClass, MutatingAdmissionPolicy, MutatingAdmissionWebhook, ValidatingAdmissionPolicy, ValidatingAdmissionWebhook, ResourceQuota). Comma-delimited list of admission plugins: AlwaysAdmit, AlwaysDeny, AlwaysPullImages, DefaultIngressClass, DefaultStorageClass, NamespaceLifecycle, PodSecurity, Priority, ResourceQuota, RuntimeClass, ServiceAccount, ValidatingAdmissionPolicy, ValidatingAdmissionWebhook. The order of plugins in this flag does not matter.
      --endpoint-reconciler-type string             Use an endpoint reconciler (lease, master-count, none) (default "lease")
)";

class KubeFlags : public ::testing::Test {
 protected:
  Outcome flags_of(const std::string& version, const std::string& help) {
    const auto binary =
        temp_.write("kube-apiserver", "#!/bin/sh\nif [ $1 = --version ]; then echo '" + version + "'; else cat " +
                                          temp_.write("help", help).string() + "; fi\n");
    std::filesystem::permissions(binary, std::filesystem::perms::owner_all);
    return run_program({.argv = {REGSYNC_SOURCE_DIR "/tests/servers/kube-flags", binary.string()},
                        .env = own_environment(),
                        .in = {}});
  }

  TempDir temp_;
};

TEST_F(KubeFlags, AnOldServerGetsOnlyTheApisThatTestsNeed) {
  EXPECT_EQ(flags_of("Kubernetes v1.20.2", help_1_20).out,
            "--enable-priority-and-fairness=false\n"
            "--profiling=false\n"
            "--endpoint-reconciler-type=none\n"
            "--runtime-config=api/all=false,api/v1=true,admissionregistration.k8s.io/v1=true,"
            "apiextensions.k8s.io/v1=true,apiregistration.k8s.io/v1=true,authentication.k8s.io/v1=true,"
            "authorization.k8s.io/v1=true,rbac.authorization.k8s.io/v1=true\n"
            "--storage-media-type=application/json\n"
            "--disable-admission-plugins=DefaultIngressClass,DefaultStorageClass,PersistentVolumeClaimResize,Priority,"
            "RuntimeClass\n");
}

TEST_F(KubeFlags, AModernServerKeepsTheApisThatItsReadinessWaitsFor) {
  EXPECT_EQ(flags_of("Kubernetes v1.36.0", help_1_36).out,
            "--enable-priority-and-fairness=false\n"
            "--profiling=false\n"
            "--endpoint-reconciler-type=none\n"
            "--disable-admission-plugins=ServiceAccount\n");
}

TEST_F(KubeFlags, TheChangeIsAtVersion26) {
  EXPECT_THAT(flags_of("Kubernetes v1.25.16", help_1_20).out, HasSubstr("--runtime-config="));
  EXPECT_THAT(flags_of("Kubernetes v1.26.0-rc.1+abc", help_1_36).out, Not(HasSubstr("--runtime-config=")));
}

TEST_F(KubeFlags, AFlagOrPluginThatTheBinaryDoesNotKnowIsLeftOut) {
  std::string help = help_1_36;
  help.erase(help.find("      --profiling"), help.find("      --runtime-config") - help.find("      --profiling"));
  help.replace(help.rfind("ServiceAccount, "), 16, "");
  const std::string flags = flags_of("Kubernetes v1.36.0", help).out;
  EXPECT_THAT(flags, Not(HasSubstr("profiling")));
  EXPECT_THAT(flags, Not(HasSubstr("admission")));
  EXPECT_THAT(flags, HasSubstr("--endpoint-reconciler-type=none"));
}

TEST_F(KubeFlags, ABinaryOfAnotherKindIsNamed) {
  const Outcome outcome = flags_of("etcd Version: 3.4.23", help_1_36);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("etcd Version: 3.4.23"));
}

}  // namespace
}  // namespace regsync::test
