// A fingerprint of bytes, to detect that a Secret differs without keeping its data in memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace regsync {

// The first half of SHA-256: with 128 bits, accidental collisions and searches for a preimage are infeasible.
using Digest = std::array<std::uint8_t, 16>;

Digest digest_of(std::string_view bytes);

std::string hex(const Digest& digest);

}  // namespace regsync
