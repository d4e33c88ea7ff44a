#pragma once

#include <cstdint>
#include <string>

namespace vos::test {

/// Makes a certificate for localhost that signed itself, and its key: PEM files of these names.
void make_certificate(const std::string& certificate, const std::string& key);

/// A request over TLS by a client that trusts this certificate, and what it sends once the answer's header is there; all that
/// the server says until it ends the connection.
std::string talk_by_tls(std::uint16_t port, const std::string& certificate, const std::string& request,
                        const std::string& then = "");

}  // namespace vos::test
