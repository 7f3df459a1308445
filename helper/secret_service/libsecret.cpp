#include "helper/secret_service/libsecret.hpp"

#include <dlfcn.h>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

Libsecret load() {
  // Never closed: GLib's types and threads stay until the process ends.
  void* const library = dlopen("libsecret-1.so.0", RTLD_NOW | RTLD_LOCAL);
  Libsecret functions;
  bool complete = library != nullptr;
#define REGSYNC_LOAD(name)                                                                          \
  functions.name = complete ? reinterpret_cast<decltype(&::name)>(dlsym(library, #name)) : nullptr; \
  complete = functions.name != nullptr;
  REGSYNC_LIBSECRET_FUNCTIONS(REGSYNC_LOAD)
#undef REGSYNC_LOAD
  if (!complete) {
    throw Error(ErrorCode::store_unavailable, "libsecret-1.so.0, which changes the keyring, cannot be loaded",
                "install it: apt install libsecret-1-0");
  }
  return functions;
}

}  // namespace

const Libsecret& libsecret() {
  static const Libsecret functions = load();
  return functions;
}

}  // namespace regsync
