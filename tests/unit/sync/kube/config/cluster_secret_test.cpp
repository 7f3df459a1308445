#include "sync/kube/config/cluster_secret.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "sync/kube/config/kubeconfig.hpp"

namespace regsync::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json secret_of(const std::map<std::string, std::string>& data, const json& labels = json::object(),
               const std::string& type = "Opaque", const std::string& name = "prod") {
  json secret = {{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"metadata", {{"name", name}, {"namespace", "fleet"}, {"labels", labels}}},
                 {"type", type},
                 {"data", json::object()}};
  for (const auto& [key, value] : data) {
    secret["data"][key] = base64_encode(value);
  }
  return secret;
}

std::string kubeconfig_of(const json& user, const json& more_of_cluster = json::object()) {
  json cluster = {{"server", "https://prod.test:6443"}};
  cluster.update(more_of_cluster);
  return json{{"apiVersion", "v1"},
              {"kind", "Config"},
              {"clusters", {{{"name", "c"}, {"cluster", cluster}}}},
              {"users", {{{"name", "u"}, {"user", user}}}},
              {"contexts", {{{"name", "x"}, {"context", {{"cluster", "c"}, {"user", "u"}, {"namespace", "own"}}}}}},
              {"current-context", "x"}}
      .dump();
}

std::string fault_of(const json& secret) {
  const auto cluster = decode_cluster_secret(secret);
  if (!cluster || !cluster->problem) {
    return "no problem";
  }
  EXPECT_FALSE(cluster->context.has_value());
  return describe(*cluster->problem);
}

TEST(ClusterSecret, AKubeconfigOfMulticlusterRuntimeOrClusterApi) {
  for (const char* key : {"kubeconfig", "value"}) {
    const auto cluster = decode_cluster_secret(secret_of({{key, kubeconfig_of({{"token", "t"}})}}, {{"env", "prod"}}));
    ASSERT_TRUE(cluster && cluster->context) << key;
    EXPECT_EQ(cluster->context->name, "fleet/prod");
    EXPECT_EQ(cluster->context->server, "https://prod.test:6443");
    EXPECT_EQ(cluster->context->token.reveal(), "t");
    EXPECT_EQ(cluster->context->default_namespace, "own");
    EXPECT_EQ(cluster->labels.at("env"), "prod");
  }
}

TEST(ClusterSecret, ArgoCdWithAToken) {
  const auto cluster = decode_cluster_secret(secret_of(
      {{"name", "production"},
       {"server", "https://prod.test:6443"},
       {"config",
        R"({"bearerToken":"t","tlsClientConfig":{"insecure":false,"serverName":"sni.test","caData":"cGVt"}})"}},
      {{"argocd.argoproj.io/secret-type", "cluster"}}));
  ASSERT_TRUE(cluster && cluster->context);
  EXPECT_EQ(cluster->context->name, "fleet/prod");
  EXPECT_EQ(cluster->context->token.reveal(), "t");
  EXPECT_EQ(cluster->context->ca_data, "pem");
  EXPECT_EQ(cluster->context->tls_server_name, "sni.test");
  EXPECT_FALSE(cluster->context->insecure_skip_tls_verify);
}

// Argo CD's own address of the hub's cluster, with the slash that it does not mind.
TEST(ClusterSecret, ArgoCdsHubIsTheClusterOfThePodHoweverItsAddressEnds) {
  for (const char* server :
       {"https://kubernetes.default.svc", "https://kubernetes.default.svc/", "https://kubernetes.default.svc:443/"}) {
    EXPECT_THAT(fault_of(secret_of({{"server", server}, {"config", "{}"}})), HasSubstr("does not run in a pod"))
        << server;
  }
}

TEST(ClusterSecret, ArgoCdWithACertificateAPasswordOrAPlugin) {
  const auto of = [](const json& config) {
    auto cluster = decode_cluster_secret(secret_of({{"server", "https://prod.test"}, {"config", config.dump()}}));
    EXPECT_TRUE(cluster && cluster->context) << (cluster && cluster->problem ? describe(*cluster->problem) : "none");
    return std::move(*cluster->context);
  };
  const auto certificate = of({{"tlsClientConfig", {{"certData", "Y2VydA=="}, {"keyData", "a2V5"}}}});
  EXPECT_EQ(certificate.client_certificate_data, "cert");
  EXPECT_EQ(certificate.client_key_data.reveal(), "key");
  const auto password = of({{"username", "admin"}, {"password", "p"}});
  EXPECT_EQ(password.username, "admin");
  EXPECT_EQ(password.password.reveal(), "p");
  const auto plugin = of({{"execProviderConfig",
                           {{"command", "gke-gcloud-auth-plugin"},
                            {"args", {"--use_application_default_credentials"}},
                            {"env", {{"A", "B"}}},
                            {"apiVersion", "client.authentication.k8s.io/v1beta1"}}}});
  ASSERT_TRUE(plugin.exec);
  EXPECT_EQ(plugin.exec->command, "gke-gcloud-auth-plugin");
  EXPECT_EQ(plugin.exec->args, std::vector<std::string>{"--use_application_default_credentials"});
  EXPECT_EQ(plugin.exec->env, (std::vector<std::pair<std::string, std::string>>{{"A", "B"}}));
  const auto aws = of({{"awsAuthConfig", {{"clusterName", "prod"}, {"roleARN", "arn:aws:iam::1:role/r"}}}});
  ASSERT_TRUE(aws.exec);
  EXPECT_EQ(aws.exec->command, "argocd-k8s-auth");
  EXPECT_EQ(aws.exec->args,
            (std::vector<std::string>{"aws", "--cluster-name", "prod", "--role-arn", "arn:aws:iam::1:role/r"}));
}

// Cluster.RawRestConfig: one way to log in, and AWS first.
TEST(ClusterSecret, ArgoCdUsesAPluginAndNothingBesideIt) {
  const json config = {{"bearerToken", "t"},
                       {"username", "u"},
                       {"password", "p"},
                       {"execProviderConfig", {{"command", "other"}}},
                       {"awsAuthConfig", {{"clusterName", "prod"}}}};
  const auto cluster = decode_cluster_secret(secret_of({{"server", "https://prod.test"}, {"config", config.dump()}}));
  ASSERT_TRUE(cluster && cluster->context);
  EXPECT_TRUE(cluster->context->token.empty());
  EXPECT_TRUE(cluster->context->username.empty());
  EXPECT_EQ(cluster->context->exec->command, "argocd-k8s-auth");
}

// Go would not read it, and what is left out here would be somebody else's identity, or none.
TEST(ClusterSecret, ArgoCdsConfigHasTheTypesOfItsFields) {
  for (const json& config :
       {json{{"bearerToken", 3}}, json{{"tlsClientConfig", {{"insecure", "true"}}}}, json{{"tlsClientConfig", "x"}},
        json{{"execProviderConfig", {{"command", "x"}, {"args", {"a", 1}}}}},
        json{{"execProviderConfig", {{"command", "x"}, {"env", {{"A", 1}}}}}}, json{{"disableCompression", 1}}}) {
    const auto fault = fault_of(secret_of({{"server", "https://prod.test"}, {"config", config.dump()}}));
    EXPECT_THAT(fault, HasSubstr("config.")) << config.dump();
  }
  const json nulls = {{"bearerToken", nullptr}, {"execProviderConfig", nullptr}, {"tlsClientConfig", nullptr}};
  EXPECT_EQ(fault_of(secret_of({{"server", "https://prod.test"}, {"config", nulls.dump()}})), "no problem");
}

TEST(ClusterSecret, OfTwoFormatsInOneSecretTheKubeconfigCountsUnlessItIsOfArgoCd) {
  const std::map<std::string, std::string> both{{"server", "https://argo.test"},
                                                {"config", R"({"bearerToken": "a"})"},
                                                {"kubeconfig", kubeconfig_of({{"token", "k"}})}};
  const auto other = decode_cluster_secret(secret_of(both));
  ASSERT_TRUE(other && other->context);
  EXPECT_EQ(other->context->token.reveal(), "k");
  const auto argo = decode_cluster_secret(secret_of(both, {{"argocd.argoproj.io/secret-type", "cluster"}}));
  ASSERT_TRUE(argo && argo->context);
  EXPECT_EQ(argo->context->token.reveal(), "a");
}

TEST(ClusterSecret, OtherSecretsUnderTheSameLabelAreNoClusters) {
  const std::string api = "cluster.x-k8s.io/secret";
  EXPECT_FALSE(decode_cluster_secret(secret_of({{"tls.crt", "c"}, {"tls.key", "k"}}, {}, api, "prod-ca")));
  EXPECT_FALSE(
      decode_cluster_secret(secret_of({{"value", kubeconfig_of({{"token", "t"}})}}, {}, api, "prod-user-kubeconfig")));
  EXPECT_TRUE(
      decode_cluster_secret(secret_of({{"value", kubeconfig_of({{"token", "t"}})}}, {}, api, "prod-kubeconfig")));
  // Of Cluster API's other Secrets of a cluster: what a machine boots with.
  const std::map<std::string, std::string> of_prod{{"cluster.x-k8s.io/cluster-name", "prod"}};
  for (const char* type : {"cluster.x-k8s.io/secret", "Opaque"}) {
    EXPECT_FALSE(decode_cluster_secret(secret_of({{"value", "#cloud-config\n"}}, of_prod, type, "prod-md-0-x7f")));
  }
  EXPECT_FALSE(decode_cluster_secret(
      secret_of({{"value", kubeconfig_of({{"token", "t"}})}}, of_prod, "Opaque", "prod-user-kubeconfig")));
  EXPECT_TRUE(
      decode_cluster_secret(secret_of({{"value", kubeconfig_of({{"token", "t"}})}}, of_prod, api, "prod-kubeconfig")));
  EXPECT_TRUE(
      decode_cluster_secret(secret_of({{"value", kubeconfig_of({{"token", "t"}})}},
                                      {{"cluster.x-k8s.io/cluster-name", "prod-user"}}, api, "prod-user-kubeconfig")))
      << "the cluster has that name";
  EXPECT_TRUE(decode_cluster_secret(secret_of({{"value", kubeconfig_of({{"token", "t"}})}},
                                              {{"cluster.x-k8s.io/cluster-name", "hash_1a2b_z"}}, api,
                                              "a-very-long-name-kubeconfig")));
  EXPECT_THAT(fault_of(secret_of({{"kubeconfig", ""}})), HasSubstr("it holds no cluster"));
  EXPECT_THAT(fault_of(secret_of({}, {{"sigs.k8s.io/multicluster-runtime-kubeconfig", "true"}})),
              HasSubstr("Secret fleet/prod: it holds no cluster"));
}

TEST(ClusterSecret, OneThatSomebodyEmptiedIsAProblemAndNoClusterLess) {
  const std::string api = "cluster.x-k8s.io/secret";
  const json of_prod = {{"cluster.x-k8s.io/cluster-name", "prod"}};
  const json runtime = {{"sigs.k8s.io/multicluster-runtime-kubeconfig", "true"}};
  const json argo = {{"argocd.argoproj.io/secret-type", "cluster"}};
  for (const json& emptied :
       {secret_of({{"value", ""}}, of_prod, api, "prod-kubeconfig"), secret_of({}, of_prod, api, "prod-kubeconfig"),
        secret_of({{"other", "x"}}, of_prod, "Opaque", "prod-kubeconfig"), secret_of({}, {}, api, "prod-kubeconfig"),
        secret_of({{"value", ""}}, {{"env", "prod"}}), secret_of({{"kubeconfig", ""}}, runtime), secret_of({}, runtime),
        secret_of({{"server", ""}, {"config", "{}"}}, argo), secret_of({{"config", "{}"}}, argo),
        secret_of({}, argo)}) {
    EXPECT_THAT(fault_of(emptied), HasSubstr("it holds no cluster")) << emptied;
  }
  EXPECT_FALSE(decode_cluster_secret(secret_of({}, of_prod, api, "prod-ca")));
  EXPECT_FALSE(decode_cluster_secret(secret_of({{"value", ""}}, of_prod, api, "prod-md-0-x7f")));
  EXPECT_FALSE(decode_cluster_secret(secret_of({{"other", "x"}}, {{"env", "prod"}})));
}

TEST(ClusterSecret, AFaultNamesTheSecretAndIsCorrectedThere) {
  using testing::AllOf;
  using testing::Not;
  EXPECT_THAT(fault_of(secret_of({{"kubeconfig", "clusters: [\n"}})), HasSubstr("; correct it in the Secret"));
  EXPECT_THAT(fault_of(secret_of({{"kubeconfig", kubeconfig_of({{"exec", {{"command", "x"}}}})}})),
              HasSubstr("; correct it in the Secret"));
  for (const json& config : {json{{"tlsClientConfig", {{"certData", "Y2VydA=="}}}},
                             json{{"tlsClientConfig", {{"insecure", true}, {"caData", "Y2VydA=="}}}}}) {
    EXPECT_THAT(fault_of(secret_of({{"server", "https://prod.test"}, {"config", config.dump()}})),
                AllOf(HasSubstr("; correct it in the Secret"), HasSubstr("\"fleet/prod\""), Not(HasSubstr("\"x\"")),
                      Not(HasSubstr("\"c\"")), Not(HasSubstr("\"u\""))));
  }
}

// encoding/json: the case of a field's letters does not matter.
TEST(ClusterSecret, ArgoCdsFieldsAreTakenInAnyCase) {
  const json config = {{"BearerToken", "t"},
                       {"TLSClientConfig", {{"ServerName", "sni.test"}, {"CAData", "cGVt"}}},
                       {"ExecProviderConfig", nullptr}};
  const auto cluster = decode_cluster_secret(secret_of({{"server", "https://prod.test"}, {"config", config.dump()}}));
  ASSERT_TRUE(cluster && cluster->context);
  EXPECT_EQ(cluster->context->token.reveal(), "t");
  EXPECT_EQ(cluster->context->tls_server_name, "sni.test");
  EXPECT_EQ(cluster->context->ca_data, "pem");
  EXPECT_THAT(fault_of(secret_of({{"server", "https://prod.test"}, {"config", R"({"BEARERTOKEN": 3})"}})),
              HasSubstr("config.bearerToken is not of the type string"));
}

// Who may write a Secret of a cluster must not read files of this process or run any file of its image with it.
TEST(ClusterSecret, FilesAndPathsAreRefused) {
  const std::string file = "/var/run/secrets/kubernetes.io/serviceaccount/token";
  for (const json& user :
       {json{{"tokenFile", file}}, json{{"tokenFile", "token"}},
        json{{"client-certificate", file}, {"client-key", file}},
        json{{"exec", {{"command", "/bin/sh"}, {"apiVersion", "client.authentication.k8s.io/v1beta1"}}}},
        json{{"exec", {{"command", "./x"}, {"apiVersion", "client.authentication.k8s.io/v1beta1"}}}}}) {
    EXPECT_THAT(fault_of(secret_of({{"value", kubeconfig_of(user)}})), HasSubstr("Secret fleet/prod: ")) << user;
  }
  EXPECT_THAT(fault_of(secret_of({{"value", kubeconfig_of({{"token", "t"}}, {{"certificate-authority", file}})}})),
              HasSubstr("certificate-authority"));
  EXPECT_THAT(fault_of(secret_of(
                  {{"server", "https://prod.test"}, {"config", R"({"execProviderConfig":{"command":"/bin/sh"}})"}})),
              HasSubstr("/bin/sh"));
}

TEST(ClusterSecret, WhatMakesNoSenseIsAProblemThatQuotesNoSecret) {
  for (const std::string text : {"", "[]", "kind: Pod", "\x01", "contexts: 3", R"({"clusters":[{"name":{}}]})"}) {
    EXPECT_NE(fault_of(secret_of({{"kubeconfig", text + " "}})), "no problem") << text;
  }
  EXPECT_THAT(fault_of(secret_of({{"server", "https://prod.test"}, {"config", R"({"bearerToken":"s3cret")"}})),
              testing::AllOf(HasSubstr("config is not a JSON object"), testing::Not(HasSubstr("s3cret"))));
  EXPECT_THAT(
      fault_of(secret_of({{"server", "https://prod.test"}, {"config", R"({"tlsClientConfig":{"caData":"%%%"}})"}})),
      HasSubstr("base64"));
  json odd = secret_of({});
  odd["data"] = {{"kubeconfig", "%%%"}};
  EXPECT_THAT(fault_of(odd), HasSubstr("data.kubeconfig is not base64"));
  for (const json& shape : {json(), json::array(), json{{"metadata", 3}}, json{{"data", {{"server", {}}}}}}) {
    EXPECT_FALSE(decode_cluster_secret(shape));
  }
}

// Each event of a Secret is decoded on the event loop.
TEST(ClusterSecret, ATextThatTakesLongToReadIsRefusedBeforeItIs) {
  std::string list = "[a";
  std::string json_list = "[1";
  for (int i = 0; i < 25'000; ++i) {
    list += ",a";
    json_list += ",1";
  }
  EXPECT_THAT(fault_of(secret_of({{"kubeconfig", list + "]"}})), HasSubstr("lines and values"));
  EXPECT_THAT(fault_of(secret_of({{"server", "https://a.test"}, {"config", "{\"x\":" + json_list + "]}"}})),
              HasSubstr("far too large"));
  const std::string ca = base64_encode(std::string(500'000, 'x'));
  EXPECT_EQ(fault_of(secret_of({{"value", kubeconfig_of({{"token", "t"}}, {{"certificate-authority-data", ca}})}})),
            "no problem")
      << "a long text is no such thing";
}

TEST(ClusterSecret, AKubeconfigOfSuchClusters) {
  auto good = decode_cluster_secret(secret_of({{"value", kubeconfig_of({{"token", "t"}})}}, {{"env", "prod"}}));
  auto bad = decode_cluster_secret(secret_of({{"value", "[]"}}, {}, "Opaque", "odd"));
  const Kubeconfig config = Kubeconfig::of({{"fleet/prod", std::make_shared<const KnownCluster>(std::move(*good))},
                                            {"fleet/odd", std::make_shared<const KnownCluster>(std::move(*bad))}},
                                           "the hub");
  EXPECT_EQ(config.contexts(), (std::vector<std::string>{"fleet/odd", "fleet/prod"}));
  EXPECT_EQ(config.resolve("fleet/prod").token.reveal(), "t");
  EXPECT_EQ(config.labels("fleet/prod").at("env"), "prod");
  EXPECT_THROW(static_cast<void>(config.resolve("fleet/odd")), Error);
  EXPECT_THROW(static_cast<void>(config.resolve("fleet/other")), Error);
}

TEST(ClustersOfAHub, TellWhichOfThemAreOthersThanBefore) {
  const auto cluster = [] { return std::make_shared<const KnownCluster>(); };
  const std::map<std::string, std::shared_ptr<const KnownCluster>> before{
      {"same", cluster()}, {"renewed", cluster()}, {"gone", cluster()}};
  auto now = before;
  now["renewed"] = cluster();
  now["new"] = cluster();
  now.erase("gone");
  const Kubeconfig hub = Kubeconfig::of(now, "a hub");
  EXPECT_THAT(hub.changed_since(Kubeconfig::of(before, "a hub")),
              testing::Optional(testing::ElementsAre("gone", "renewed")));
  EXPECT_FALSE(hub.changed_since(Kubeconfig()));
}

}  // namespace
}  // namespace regsync::kube
