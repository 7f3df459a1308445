// The one place where Asio is instantiated (ASIO_SEPARATE_COMPILATION) and the precompiled header is made.
#include <asio/impl/src.hpp>
