#include "common/durations.hpp"
#include "common/memory.hpp"
#include "common/progress.hpp"

#include <sstream>

#include "../test.hpp"

using namespace vos;

TEST_SUITE("infer") {
  TEST_CASE("percentiles of durations are right to half a percent, whatever their number") {
    tool::Durations durations;
    for (int i = 1; i <= 10'000; ++i) durations.add(i * 1e-4);
    CHECK(durations.count() == 10'000);
    CHECK(durations.mean() == doctest::Approx(0.50005));
    for (const double percent : {1.0, 50.0, 95.0, 99.0})
      CHECK(durations.percentile(percent) == doctest::Approx(percent / 100).epsilon(0.006));
    CHECK(durations.percentile(100) == doctest::Approx(1.0).epsilon(0.006));
  }

  TEST_CASE("no duration at all has percentiles of 0, and extremes stay inside the histogram") {
    tool::Durations durations;
    CHECK(durations.percentile(50) == 0);
    CHECK(durations.mean() == 0);
    durations.add(0);
    CHECK(durations.percentile(50) == 0);
    durations.add(1e9);
    CHECK(durations.percentile(99) > 1e4);
  }

  TEST_CASE("durations of two runs are added up") {
    tool::Durations slow, fast;
    for (int i = 0; i < 10; ++i) slow.add(1.0), fast.add(0.1);
    slow.add(fast);
    CHECK(slow.count() == 20);
    CHECK(slow.percentile(50) == doctest::Approx(0.1).epsilon(0.006));
    CHECK(slow.percentile(51) == doctest::Approx(1.0).epsilon(0.006));
  }

  TEST_CASE("a leak shows as growth and slope, the warm-up does not") {
    tool::MemoryTrend leak, flat;
    for (int frame = 0; frame < 20'000; ++frame) {
      const double warm = std::min(frame, 1500) * 0.1;  // 150 MB of caches
      flat.step(100 + warm + frame % 2);
      leak.step(100 + warm + frame * 0.0005);
    }
    CHECK(std::abs(flat.growth_mb()) < 1);
    CHECK(std::abs(*flat.slope_mb_per_10k_frames()) < 0.1);
    CHECK(leak.growth_mb() == doctest::Approx(8.1).epsilon(0.02));  // 90 % of 18,000 frames
    CHECK(*leak.slope_mb_per_10k_frames() == doctest::Approx(5.0).epsilon(0.001));
  }

  TEST_CASE("a short run has no slope") {
    tool::MemoryTrend trend;
    for (int frame = 0; frame < 90; ++frame) trend.step(100);
    CHECK(!trend.slope_mb_per_10k_frames());
    CHECK(trend.growth_mb() == 0);
    CHECK(tool::MemoryTrend{}.growth_mb() == 0);
  }

  TEST_CASE("this process uses memory, and has used at least as much") {
    CHECK(tool::resident_mb() > 1);
    CHECK(tool::peak_resident_mb() >= tool::resident_mb() * 0.9);
  }

  TEST_CASE("no progress is drawn where nobody looks") {
    std::ostringstream err;
    {
      tool::Progress progress(err, /*live=*/false, "clip", 10);
      for (int i = 0; i < 10; ++i) progress.step();
    }
    CHECK(err.str().empty());
  }

  TEST_CASE("durations read as a person says them") {
    CHECK(tool::duration_text(3.44) == "3.4 s");
    CHECK(tool::duration_text(725) == "12 min 05 s");
    CHECK(tool::duration_text(7260) == "2 h 01 min");
  }
}
