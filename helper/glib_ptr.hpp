// GLib's reference counts as unique_ptr.
#pragma once

#include <gio/gio.h>

#include <memory>

namespace regsync {

template <auto Release>
struct GlibRelease {
  template <typename T>
  void operator()(T* object) const {
    Release(object);
  }
};

template <typename T>
using GObjectPtr = std::unique_ptr<T, GlibRelease<g_object_unref>>;
using GVariantPtr = std::unique_ptr<GVariant, GlibRelease<g_variant_unref>>;
using GErrorPtr = std::unique_ptr<GError, GlibRelease<g_error_free>>;
using GMainContextPtr = std::unique_ptr<GMainContext, GlibRelease<g_main_context_unref>>;
using GMainLoopPtr = std::unique_ptr<GMainLoop, GlibRelease<g_main_loop_unref>>;
using GCharPtr = std::unique_ptr<char, GlibRelease<g_free>>;

}  // namespace regsync
