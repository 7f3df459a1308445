#include "sync/base/disclosure.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace regsync {
namespace {

TEST(Disclosure, IsSeenInWhatLooksLikeASecret) {
  for (const char* text : {"password=hunter2",
                           "Password: 'hunter2'",
                           "user a, SECRET=abcDEF",
                           R"({"token": "c4nary-x"})",
                           "token: c4nary\n",
                           "Authorization: Basic YTpiYzE=",
                           "header Bearer abc123",
                           "clientKeyData: LS0tLS1CRUdJTg==",
                           "got eyJhbGciOiJSUzI1NiJ9.eyJzdWIi.x",
                           "-----BEGIN RSA PRIVATE KEY-----",
                           R"({"token":"correcthorsebattery"})",
                           "login failed: password=correcthorse",
                           "token : 'correcthorse'",
                           "REGISTRY_AUTH=YTpiYzpk",
                           "first line\npassword:S3CRET!",
                           "login failed: user=alice pass=hunter2xyz",
                           "pwd=x",
                           "Set-Cookie: sid=1a2b3c4d",
                           "credential=hunter2xyz",
                           "Authorization: Basic dXNlcjpwYXNz",
                           "https://0123456789abcdef0123456789abcdef01234567@github.com/x",
                           "https://acme.blob.core.windows.net/x?sv=2020&sig=AbCdEf123456%2B789",
                           "Username: alice Secret is hunter2xyz",
                           "Get https://alice:hunter2xyz@ghcr.io/v2/: EOF",
                           "Get \"https://:hunter2xyz@ghcr.io\"",
                           "alice ghp_16C7e42F292c6912E7710c838347Ae178B4a",
                           "glpat-x7Yz-abcdefgh12 was revoked",
                           "dckr_pat_abcDEF123-xyz",
                           "id AKIAIOSFODNN7EXAMPLE",
                           "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY rejected",
                           "xoxb-1234-abcd",
                           "alice:Ab3dEf6hIj9lMn2pQr5t is wrong",
                           "(Ab3dEf6hIj9lMn2pQr5t)",
                           "curl: (22) https://alice:hunter2xyz@sso.example/token returned 401",
                           "passphrase: hunter2xyz",
                           "Authorization: Token hunter2xyz1",
                           R"("Authorization": "Token hunter2xyz1")",
                           "POST https://sso.example/token?client_assertion=hunter2xyz: 400",
                           "<password>correcthorse</password>",
                           "kubelogin --password hunter2xyz: exit status 1",
                           R"(exec ["kubelogin", "--oidc-client-secret", "hunter2xyz"])",
                           R"(["--oidc-client-secret" "GOCSPXabc"])",
                           "docker login -u alice -p hunter2xyz1 ghcr.io"}) {
    EXPECT_TRUE(may_disclose(text)) << text;
  }
}

// As a plugin logs an answer, and a webhook quotes an object.
TEST(Disclosure, IsSeenBehindEscapes) {
  for (const char* text :
       {R"(msg="unexpected answer: {\"access_token\":\"Xk39fQ2LmZ81vRtB7sYw4Nd0\",\"expires_in\":3600}")",
        R"({\"auths\":{\"ghcr.io\":{\"username\":\"u\",\"password\":\"hunter2xyz\"}}})",
        R"({\\\"password\\\":\\\"hunter2xyz\\\"})", R"(password\u0022:\u0022hunter2xyz\u0022)",
        R"(\u003cpassword\u003ehunter2xyz\u003c/password\u003e)", "password%3Dhunter2xyz",
        "%22token%22%3a%22hunter2xyz%22", R"(\"Xk39fQ2LmZ81vRtB7sYw4Nd0\" is wrong)",
        R"(denied:\nXk39fQ2LmZ81vRtB7sYw4Nd0\nis wrong)", R"(Xk39fQ2LmZ81vRtB7sYw4Nd0\)",
        "https://alice:hunter%2Fxyz@ghcr.io/v2/"}) {
    EXPECT_TRUE(may_disclose(text)) << text;
  }
}

TEST(Disclosure, IsNotSeenInWhatPeopleNeedToRead) {
  for (const char* text :
       {"",
        "failed to refresh token: connection refused",
        "gpg: no key",
        "invalid password",
        "no secret key",
        "Failed to retrieve access token:: failure while executing gcloud, with args [config]: exit status 1",
        "An error occurred (ExpiredToken) when calling the AssumeRole operation: The security token is expired",
        "credentials not found in native keychain",
        "eyJ is how they begin",
        "Basic Authentication is off",
        "error: auth: expired",
        R"(secrets is forbidden: User "alice@example.com" cannot list resource "secrets" in the namespace "team-a")",
        R"(RBAC: role.rbac.authorization.k8s.io "Reader-1" not found)",
        R"(Get "https://0F8A1B2C3D4E5F60718293A4B5C6D7E8.gr7.eu-west-1.eks.amazonaws.com/api?timeout=32s": x509:)",
        "certificate has expired: current time 2026-01-02T03:04:05Z is after 2025-12-31T23:59:59Z",
        "tls: failed to verify certificate: x509: certificate is valid for *.Example.com, 10.0.0.1, not 203.0.113.7",
        "the server was unable to return a response: resourceVersion=\"184467440737095516\" is too old",
        "pod app-7d9c6b5f4d-x2x9z in team-a: the request failed, id 0a1b2c3d-4e5f-6789-abcd-ef0123456789",
        "User: arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_1a2b3c4d5e6f7a8b/Alice is not authorized",
        "to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/EksClusterAdminRole2",
        "operation error STS: GetCallerIdentity, StatusCode: 403, RequestID: 4f8c0f7e-1a2b-4c3d-9e8f-0123456789ab",
        "api error InvalidClientTokenId: The security token included in the request is invalid.",
        "AADSTS70043: The refresh token has expired. Trace ID: 1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901",
        "ERROR: (gcloud.config.config-helper) There was a problem refreshing your current auth tokens: expired",
        "Error: unable to open /home/Alice/.config/gcloud/Application_Default_Credentials2.json: no such file",
        "dial tcp: lookup 1234.dkr.ecr.eu-west-1.amazonaws.com on 10.96.0.10:53: no such host",
        "pass not initialized: exit status 1: Error: password store is empty. Try \"pass init\".",
        "npm_config_registry is set",
        "AzureCLICredential: ERROR: Please run 'az login' to setup account.",
        "received: AzureCLICredential: ERROR: AADSTS50173: The provided grant has expired",
        "cannot assume role OrganizationAccountAccessRole2",
        "The config profile (Production-EU-West-1-Administrator) could not be found",
        "role AWSReservedSSO_AdministratorAccess_1234567890abcdef is gone",
        "pods \"MyApp2ServiceAccountProduction\" not found",
        "the cluster aks-azure-WestEurope-Production-cluster-01 was not found",
        "auth=msi, pass=2, key=0",
        "the secret is missing",
        "token is expired by 1h2m3s",
        "Key is not valid",
        "Error: unknown flag: --token\nSee 'tsh --help'",
        "--password must be set, or use --password-stdin",
        "      --token string   Bearer token, or --password PASSWORD",
        "open --client-key /home/Alice2/key.pem: no such file",
        R"("--token-file" "/var/run/secrets/Token2")",
        "ssh -p 22022 host, mkdir -p /home/Alice2/x",
        "the kubelogin of -p profile is old",
        "Authorization: required by policy",
        "the authorization header is missing",
        "use <token> in place of Basic",
        R"(admission webhook \"validate.kyverno.svc-fail\" denied the request: Secret \"regcred\" has no label)",
        R"(open C:\Users\Alice2\AppData\Roaming\gcloud\credentials.db: Access is denied)",
        "Get \"https://10.0.0.1/api/v1/secrets?fieldSelector=metadata.name%3Dregcred&limit=500\": EOF",
        "100% of the keys are read",
        "docker://ghcr.io:5000/acme/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}) {
    EXPECT_FALSE(may_disclose(text)) << text;
  }
}

std::string repeated(std::string_view pattern, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    text += pattern;
  }
  return text;
}

TEST(Disclosure, TakesNoLongerForATextThatIsMadeToTakeLong) {
  const auto begin = std::chrono::steady_clock::now();
  for (const char* pattern : {"key",    "pass",        "password", "passwd",   "pwd",
                              "secret", "token",       "auth",     "keydata",  "cookie",
                              "sig",    "key::",       "key =: ",  "key is ",  "token:",
                              "pass=",  "basic ",      "bearer ",  "xox/",     "hvs.",
                              "ghp_a",  "npm_",        "AKIA",     "eyJ",      "://",
                              "://a",   "@",           "://a:@",   "/:",       "=",
                              "a",      "aA1",         "::::",     "\"key\":", "key : ",
                              ".",      "credential=", "sig=a ",   "\\",       "\\u00",
                              "%",      "%41",         "--",       "--token ", " -p ",
                              "key>",   "key></",      "--a",      "\\\"",     "authorization: a "}) {
    static_cast<void>(may_disclose(repeated(pattern, 60'000) + "@"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10))
      << "it is minutes where it is quadratic";
}

TEST(Disclosure, IsSeenInAValueThatIsLong) {
  const std::string letters(400, 'a');
  for (const char* name : {"token: ", "token=", "secret is ", "bearer ", "authorization: basic ", "npm_"}) {
    EXPECT_TRUE(may_disclose(name + letters + "1")) << name;
  }
  EXPECT_TRUE(may_disclose("token=" + std::string(400, ' ') + "hunter2xyz"));
  EXPECT_TRUE(may_disclose("https://" + std::string(5000, 'a') + ":b@ghcr.io"));
}

}  // namespace
}  // namespace regsync
