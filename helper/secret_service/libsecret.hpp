// libsecret and GLib, loaded when first needed.
//
// Most runs of the credential helper are a `get`, which needs neither, and linking them takes as long as the rest of
// the run. So the library is opened at run time; the types of all functions come from its headers.
#pragma once

#define SECRET_API_SUBJECT_TO_CHANGE  // for calls by D-Bus path, without a proxy for each object
#include <glib-unix.h>
#include <libsecret/secret.h>

namespace regsync {

// Each member is the function of that name.
struct Libsecret {
  // clang-format off
#define REGSYNC_LIBSECRET_FUNCTIONS(FUNCTION) \
  FUNCTION(g_async_initable_new_async) \
  FUNCTION(g_async_initable_new_finish) \
  FUNCTION(g_async_result_get_source_object) \
  FUNCTION(g_bus_get) \
  FUNCTION(g_bus_get_finish) \
  FUNCTION(g_cancellable_cancel) \
  FUNCTION(g_cancellable_new) \
  FUNCTION(g_dbus_connection_call) \
  FUNCTION(g_dbus_connection_call_finish) \
  FUNCTION(g_dbus_connection_set_exit_on_close) \
  FUNCTION(g_dbus_error_get_remote_error) \
  FUNCTION(g_dbus_error_strip_remote_error) \
  FUNCTION(g_error_free) \
  FUNCTION(g_free) \
  FUNCTION(g_hash_table_insert) \
  FUNCTION(g_hash_table_new) \
  FUNCTION(g_hash_table_unref) \
  FUNCTION(g_main_context_iteration) \
  FUNCTION(g_main_context_new) \
  FUNCTION(g_main_context_pop_thread_default) \
  FUNCTION(g_main_context_push_thread_default) \
  FUNCTION(g_main_context_unref) \
  FUNCTION(g_object_ref) \
  FUNCTION(g_object_unref) \
  FUNCTION(g_source_attach) \
  FUNCTION(g_source_destroy) \
  FUNCTION(g_source_set_callback) \
  FUNCTION(g_source_unref) \
  FUNCTION(g_str_equal) \
  FUNCTION(g_str_hash) \
  FUNCTION(g_timeout_source_new) \
  FUNCTION(g_unix_fd_source_new) \
  FUNCTION(g_variant_get) \
  FUNCTION(g_variant_get_child_value) \
  FUNCTION(g_variant_get_fixed_array) \
  FUNCTION(g_variant_is_of_type) \
  FUNCTION(g_variant_n_children) \
  FUNCTION(g_variant_new) \
  FUNCTION(g_variant_new_array) \
  FUNCTION(g_variant_new_dict_entry) \
  FUNCTION(g_variant_new_fixed_array) \
  FUNCTION(g_variant_new_objv) \
  FUNCTION(g_variant_new_parsed) \
  FUNCTION(g_variant_new_string) \
  FUNCTION(g_variant_ref_sink) \
  FUNCTION(g_variant_unref) \
  FUNCTION(secret_service_create_item_dbus_path) \
  FUNCTION(secret_service_create_item_dbus_path_finish) \
  FUNCTION(secret_service_get_secret_for_dbus_path) \
  FUNCTION(secret_service_get_secret_for_dbus_path_finish) \
  FUNCTION(secret_service_get_type) \
  FUNCTION(secret_service_prompt_at_dbus_path) \
  FUNCTION(secret_service_prompt_at_dbus_path_finish) \
  FUNCTION(secret_value_get) \
  FUNCTION(secret_value_new) \
  FUNCTION(secret_value_unref)
  // clang-format on

// NOLINTNEXTLINE(bugprone-macro-parentheses): it declares a member
#define REGSYNC_MEMBER(name) decltype(&::name) name = nullptr;
  REGSYNC_LIBSECRET_FUNCTIONS(REGSYNC_MEMBER)
#undef REGSYNC_MEMBER
};

// Opens the library at the first call. Throws store_unavailable if it is not installed. Any thread.
const Libsecret& libsecret();

}  // namespace regsync
