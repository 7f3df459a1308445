// A kubeconfig for tests that look at its contexts and call nobody.
#pragma once

#include <string>
#include <vector>

namespace regsync::test {

// Contexts of these names, each with a cluster of its own at https://NAME.example; in each, the current namespace is
// "default".
inline std::string kubeconfig_text(const std::vector<std::string>& contexts) {
  std::string clusters;
  std::string named;
  for (const std::string& name : contexts) {
    clusters += "- {name: " + name + ", cluster: {server: 'https://" + name + ".example'}}\n";
    named += "- {name: " + name + ", context: {cluster: " + name + ", user: u}}\n";
  }
  return "apiVersion: v1\nkind: Config\nclusters:\n" + clusters + "contexts:\n" + named +
         "users: [{name: u, user: {token: t}}]\n";
}

}  // namespace regsync::test
