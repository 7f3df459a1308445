// The fuzz targets of the Kubernetes client: everything that reads bytes of somebody else. A target returns, or throws
// what is not an Error: that is a bug. Shared by the libFuzzer programs and the test that replays the corpus.
#pragma once

#include <string_view>

namespace regsync::fuzz {

void kubeconfig(std::string_view bytes);
void exec_credential(std::string_view bytes);
void id_token(std::string_view bytes);
void status(std::string_view bytes);
void list(std::string_view bytes);
// A Secret of a hub that describes a cluster; or, by the first byte, what is in it: a kubeconfig, or Argo CD's config.
void cluster_secret(std::string_view bytes);
// As a kubeconfig's server, and as the two headers of an answer with times in them.
void url(std::string_view bytes);
// The first byte says how large the pieces are in which the rest arrives.
void watch_stream(std::string_view bytes);

}  // namespace regsync::fuzz
