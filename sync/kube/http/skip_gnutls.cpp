// Debian's libcurl loads GnuTLS for rtmp and ldap, which are not used here. If a program defines this function
// (GNUTLS_SKIP_GLOBAL_INIT of gnutls/gnutls.h), GnuTLS does not initialise itself, which saves 0.8 MiB and a
// millisecond. The function must be in the program's own sources, and exported, to be found.
extern "C" {
__attribute__((used, visibility("default"))) int skip_gnutls() __asm__("_gnutls_global_init_skip");

int skip_gnutls() { return 1; }
}
