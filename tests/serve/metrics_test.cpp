#include <vos/serve/metrics.hpp>

#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "../test.hpp"

TEST_SUITE("serve/metrics") {
  using vos::serve::Metrics;

  TEST_CASE("the text has help, type and values in the order of names") {
    Metrics metrics;
    metrics.gauge("b_now", "two\nlines \\ and a slash").set(0.5);
    metrics.counter("a_total", "first", {{"kind", "with \"quotes\" \\ \n"}}).add(3);
    metrics.counter("a_total", "first", {{"kind", "plain"}}).add();
    CHECK(metrics.text() ==
          "# HELP a_total first\n# TYPE a_total counter\n"
          "a_total{kind=\"plain\"} 1\n"
          "a_total{kind=\"with \\\"quotes\\\" \\\\ \\n\"} 3\n"
          "# HELP b_now two\\nlines \\\\ and a slash\n# TYPE b_now gauge\nb_now 0.5\n");
  }

  TEST_CASE("a histogram's buckets add up, a bound belonging to its own") {
    Metrics metrics;
    auto& histogram = metrics.histogram("t", "times", {{"of", "x"}}, {0.1, 1});
    for (const double value : {0.05, 0.1, 0.5, 7.0}) histogram.observe(value);
    CHECK(metrics.text() ==
          "# HELP t times\n# TYPE t histogram\n"
          "t_bucket{of=\"x\",le=\"0.1\"} 2\nt_bucket{of=\"x\",le=\"1\"} 3\nt_bucket{of=\"x\",le=\"+Inf\"} 4\n"
          "t_sum{of=\"x\"} 7.65\nt_count{of=\"x\"} 4\n");
  }

  TEST_CASE("numbers keep their digits, and what is none is said as Prometheus says it") {
    Metrics metrics;
    metrics.gauge("a", "").set(123456789);
    metrics.gauge("b", "").set(NAN);
    metrics.gauge("c", "").set(-INFINITY);
    const auto text = metrics.text();
    CHECK(text.find("\na 123456789\n") != std::string::npos);
    CHECK(text.find("\nb NaN\n") != std::string::npos);
    CHECK(text.find("\nc -Inf\n") != std::string::npos);
  }

  TEST_CASE("many threads may count while another reads") {
    Metrics metrics;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 1000; ++k) {
          metrics.counter("n_total", "").add();
          metrics.histogram("t", "", {}, {1}).observe(0.5);
        }
      });
    for (int i = 0; i < 20; ++i) CHECK(!metrics.text().empty() == (metrics.text() != ""));
    for (auto& thread : threads) thread.join();
    CHECK(metrics.text().find("n_total 4000\n") != std::string::npos);
    CHECK(metrics.text().find("t_sum 2000\n") != std::string::npos);
  }
}
