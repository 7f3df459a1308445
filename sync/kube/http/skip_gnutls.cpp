// libcurl of Debian brings GnuTLS along, for rtmp and ldap, which nobody here speaks. Where a program has this function
// (GNUTLS_SKIP_GLOBAL_INIT of gnutls/gnutls.h), GnuTLS does not start itself: 0.8 MiB less, and a millisecond. It must
// be among the program's own sources, and exported, to be found.
extern "C" {
__attribute__((used, visibility("default"))) int skip_gnutls() __asm__("_gnutls_global_init_skip");

int skip_gnutls() { return 1; }
}
