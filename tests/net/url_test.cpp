#include <vos/net/url.hpp>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("net") {
  TEST_CASE("an address is taken apart") {
    const auto url = url_from("https://ann:p%40ss@Tracking.example:8443/a/b?c=d#e", "a test");
    CHECK(url.scheme == "https");
    CHECK(url.user == "ann");
    CHECK(url.password == "p@ss");
    CHECK(url.host == "Tracking.example");
    CHECK(url.port == 8443);
    CHECK(url.path == "/a/b?c=d");
    CHECK(url.plain() == "https://Tracking.example:8443/a/b?c=d");
  }

  TEST_CASE("what an address leaves out is its scheme's") {
    CHECK(url_from("http://host", "").port == 80);
    CHECK(url_from("https://host", "").port == 443);
    CHECK(url_from("http://host", "").path == "/");
    CHECK(url_from("http://host?a", "").path == "/?a");
    CHECK(url_from("HTTPS://host:443/", "").plain() == "https://host/");
    const auto six = url_from("http://[::1]:5000/x", "");
    CHECK(six.host == "::1");
    CHECK(six.port == 5000);
    CHECK(six.authority() == "[::1]:5000");
  }

  TEST_CASE("what is no address is refused, and its password not told") {
    for (const auto* text : {"localhost:5000", "ftp://host", "http://", "http://:80", "http://host:0",
                             "http://host:65536", "http://host:5x", "http://a b", "http://[::1", "http://[::1]5",
                             "http://::1", "http://a]b", "http://u%4@host", "http://host\n"}) {
      CAPTURE(text);
      CHECK_THROWS_AS(static_cast<void>(url_from(text, "a test")), Error);
    }
    try {
      static_cast<void>(url_from("http://ann:secret@host:99999", "a test"));
      FAIL("it was taken");
    } catch (const Error& error) {
      CHECK(std::string{error.what()}.find("secret") == std::string::npos);
      CHECK(std::string{error.what()}.find("host:99999") != std::string::npos);
    }
  }

  TEST_CASE("all bytes come back from an address") {
    std::string bytes;
    for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
    CHECK(percent_decoded(percent_encoded(bytes)) == bytes);
    CHECK(percent_encoded("a/b c&J") == "a%2Fb%20c%26J");
  }
}
