#include <vos/metric/identity/scores.hpp>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <vos/io/files.hpp>
#include <vos/io/png_labels.hpp>
#include <vos/metric/identity/ignored.hpp>

#include "../test.hpp"

namespace {

using vos::IdentitySequence;
using vos::SwitchKind;

/// A box of one id in a frame.
struct Patch {
  vos::ObjectId id = 0;
  std::int64_t y = 0, x = 0, height = 6, width = 6;
};
using Patches = std::vector<Patch>;

void add(IdentitySequence& sequence, const Patches& truth, const Patches& guess, std::int64_t height = 20,
         std::int64_t width = 40) {
  const auto draw = [&](const Patches& patches) {
    std::vector<vos::ObjectId> ids(static_cast<std::size_t>(height * width));
    for (const auto& p : patches)
      for (auto y = p.y; y < p.y + p.height; ++y)
        for (auto x = p.x; x < p.x + p.width; ++x) ids[static_cast<std::size_t>(y * width + x)] = p.id;
    return ids;
  };
  const auto t = draw(truth), g = draw(guess);
  sequence.add(vos::LabelPair{{t, height, width}, {g, height, width}});
}

/// The published scenario: two boxes that pass each other in ten frames; `change` alters what is predicted.
IdentitySequence scenario(const std::function<void(std::int64_t t, Patches& guess)>& change) {
  IdentitySequence sequence;
  for (std::int64_t t = 0; t < 10; ++t) {
    const Patches truth{{1, 2, 2 + t}, {2, 12, 30 - t}};
    auto guess = truth;
    change(t, guess);
    add(sequence, truth, guess);
  }
  return sequence;
}

/// Frames of one pixel an object, an object a column: tracks by object, 0 for none.
IdentitySequence carried_by(const std::vector<std::vector<vos::ObjectId>>& frames,
                            const std::vector<std::vector<bool>>& visible = {}) {
  IdentitySequence sequence;
  for (std::size_t t = 0; t < frames.size(); ++t) {
    Patches truth, guess;
    for (std::size_t i = 0; i < frames[t].size(); ++i) {
      const Patch object{static_cast<vos::ObjectId>(i + 1), 0, static_cast<std::int64_t>(i), 1, 1};
      if (visible.empty() || visible[t][i]) truth.push_back(object);
      if (frames[t][i] != 0) guess.push_back({frames[t][i], object.y, object.x, 1, 1});
    }
    add(sequence, truth, guess, 1, 8);
  }
  return sequence;
}

std::string kinds_of(const IdentitySequence& sequence) {
  std::string kinds;
  for (const auto& each : vos::identity_switches(sequence, vos::correspondences(sequence)))
    kinds += (kinds.empty() ? "" : " ") + std::string{name_of(each.kind)};
  return kinds;
}

doctest::Approx near(double value) { return doctest::Approx(value).epsilon(1e-6); }  // goldens are given to six places

std::map<std::string, double> numbers_of(const vos::IdentityScores& s) {
  const auto whole = [](std::int64_t n) { return static_cast<double>(n); };
  return {{"TP", whole(s.clear.right)},
          {"FP", whole(s.clear.wrong)},
          {"FN", whole(s.clear.missed)},
          {"IDSW", whole(s.clear.switches)},
          {"Frag", whole(s.clear.fragments)},
          {"MT", whole(s.clear.mostly_tracked)},
          {"PT", whole(s.clear.partly_tracked)},
          {"ML", whole(s.clear.mostly_lost)},
          {"MOTA", s.clear.mota()},
          {"sMOTSA", s.clear.smotsa()},
          {"MOTSP", s.clear.motsp()},
          {"MODSA", s.clear.modsa()},
          {"MOTAL", s.clear.motal()},
          {"IDTP", whole(s.identity.right)},
          {"IDFP", whole(s.identity.wrong)},
          {"IDFN", whole(s.identity.missed)},
          {"IDF1", s.identity.idf1()},
          {"IDP", s.identity.idp()},
          {"IDR", s.identity.idr()},
          {"HOTA", s.hota.hota()},
          {"DetA", s.hota.deta()},
          {"AssA", s.hota.assa()},
          {"AssRe", s.hota.assre()},
          {"AssPr", s.hota.asspr()},
          {"LocA", s.hota.loca()},
          {"HOTA0", s.hota.hota_0()},
          {"OWTA", s.hota.owta()},
          {"ATA", s.tracks.ata()},
          {"given_switches", whole(s.given.switches)},
          {"confused", whole(s.given.confused.part)},
          {"explained", whole(s.given.confused.whole)}};
}

void check(const IdentitySequence& sequence, const std::map<std::string, double>& expected) {
  const auto numbers = numbers_of(vos::identity_scores(sequence).first);
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    CHECK(numbers.at(name) == near(value));
  }
}

}  // namespace

TEST_SUITE("metric") {
  TEST_CASE("the published scenarios A to I, every number of them") {
    INFO("A: perfect");
    check(scenario([](auto, auto&) {}),
          {{"HOTA", 1}, {"DetA", 1}, {"AssA", 1}, {"IDSW", 0}, {"Frag", 0}, {"MOTA", 1}, {"IDF1", 1}, {"ATA", 1}});
    INFO("B: ids swapped from frame 5 on");
    const auto swapped = scenario([](std::int64_t t, Patches& guess) {
      if (t >= 5) std::swap(guess[0].id, guess[1].id);
    });
    check(swapped, {{"HOTA", .577350},
                    {"DetA", 1},
                    {"AssA", .333333},
                    {"IDSW", 2},
                    {"MOTA", .90},
                    {"IDF1", .50},
                    {"ATA", .50},
                    {"AssRe", .5},
                    {"AssPr", .5},
                    {"given_switches", 2},
                    {"confused", 10},
                    {"explained", 20}});
    INFO("C: object 1 gets a new id from frame 5 on");
    check(scenario([](std::int64_t t, Patches& guess) {
            if (t >= 5) guess[0].id = 3;
          }),
          {{"HOTA", .866025}, {"DetA", 1}, {"AssA", .75}, {"IDSW", 1}, {"MOTA", .95}, {"IDF1", .75}, {"ATA", .60}});
    INFO("D: object 1 missing in frames 4 and 5, the same id after");
    check(scenario([](std::int64_t t, Patches& guess) {
            if (t == 4 || t == 5) guess.erase(guess.begin());
          }),
          {{"HOTA", .905539},
           {"DetA", .90},
           {"AssA", .911111},
           {"IDSW", 0},
           {"Frag", 1},
           {"MOTA", .90},
           {"IDF1", .947368},
           {"MT", 1},
           {"PT", 1}});
    INFO("E: missing in frames 4 and 5, a new id after");
    check(scenario([](std::int64_t t, Patches& guess) {
            if (t > 5) guess[0].id = 3;
            if (t == 4 || t == 5) guess.erase(guess.begin());
          }),
          {{"HOTA", .812404},
           {"DetA", .90},
           {"AssA", .733333},
           {"IDSW", 1},
           {"Frag", 1},
           {"MOTA", .85},
           {"IDF1", .736842},
           {"ATA", .56},
           {"IDTP", 14},
           {"IDFP", 4},
           {"IDFN", 6}});
    INFO("F: ids exchanged in frame 5 alone");
    check(scenario([](std::int64_t t, Patches& guess) {
            if (t == 5) std::swap(guess[0].id, guess[1].id);
          }),
          {{"HOTA", .861178}, {"DetA", 1}, {"AssA", .741627}, {"IDSW", 4}, {"MOTA", .80}, {"IDF1", .90}});
    INFO("G: predictions one pixel off");
    check(scenario([](std::int64_t, Patches& guess) {
            for (auto& p : guess) ++p.x;
          }),
          {{"HOTA", .736842},
           {"DetA", .736842},
           {"AssA", .736842},
           {"IDSW", 0},
           {"Frag", 0},
           {"MOTA", 1},
           {"sMOTSA", .714286},
           {"IDF1", 1},
           {"LocA", .789474},
           {"HOTA0", 1}});
    INFO("H: three pixels off");
    check(scenario([](std::int64_t, Patches& guess) {
            for (auto& p : guess) p.x -= 3 - 6 * (p.x < 3);
          }),
          {{"HOTA", .315789}, {"IDSW", 0}, {"MOTA", -1}, {"IDF1", 0}, {"LocA", .789474}});
    INFO("I: both objects share one id");
    check(scenario([](std::int64_t, Patches& guess) { guess[1].id = 1; }), {{"HOTA", .372161},
                                                                            {"DetA", .263158},
                                                                            {"AssA", .526316},
                                                                            {"MOTA", .50},
                                                                            {"sMOTSA", .25},
                                                                            {"IDF1", .666667},
                                                                            {"LocA", .736842},
                                                                            {"HOTA0", .707107}});
  }

  TEST_CASE("real masks with two ids exchanged from the middle give the published numbers") {
    const auto root = vos::test::real_data() / "davis_eval/osvos";
    if (!std::filesystem::is_directory(root)) return vos::test::skip("no davis_eval in the test data");
    const auto exchanged = [&](const std::string& name, std::int64_t frames, std::int64_t from) {
      IdentitySequence sequence;
      for (std::int64_t t = 0; t < frames; ++t) {
        const auto number = std::to_string(t);
        const auto file = root / name / (std::string(5 - number.size(), '0') + number + ".png");
        const auto truth = vos::labels_from_png(vos::read_file(file), file.string());
        auto guess = truth.ids;
        if (t >= from)
          for (auto& id : guess) id = id == 1 ? 2 : id == 2 ? 1 : id;
        sequence.add(vos::LabelPair{{truth.ids, truth.height, truth.width}, {guess, truth.height, truth.width}});
      }
      return sequence;
    };
    const auto india = exchanged("india", 81, 40), judo = exchanged("judo", 34, 17);
    CHECK(india.object_masks() == 225);
    CHECK(judo.object_masks() == 63);
    check(india, {{"HOTA", .746121},
                  {"AssA", .556697},
                  {"IDSW", 2},
                  {"Frag", 11},
                  {"MOTA", .991111},
                  {"IDF1", .684444},
                  {"ATA", .664557}});
    check(judo, {{"HOTA", .582310},
                 {"AssA", .339084},
                 {"IDSW", 2},
                 {"Frag", 2},
                 {"MOTA", .968254},
                 {"IDF1", .539683},
                 {"ATA", .5}});
  }

  TEST_CASE("agrees with a second implementation on 200 random sequences, and on all of them together") {
    // see golden/make_identity.py
    const std::vector<std::string> names{
        "TP",   "FP",     "FN",    "IDSW",  "Frag",           "MT",       "PT",       "ML",
        "MOTA", "sMOTSA", "MOTSP", "MODSA", "MOTAL",          "IDTP",     "IDFP",     "IDFN",
        "IDF1", "IDP",    "IDR",   "HOTA",  "DetA",           "AssA",     "AssRe",    "AssPr",
        "LocA", "HOTA0",  "OWTA",  "ATA",   "given_switches", "confused", "explained"};
    std::ifstream in{vos::test::file("metric/golden/identity.txt")};
    vos::IdentityScores total;
    int sequences = 0;
    for (std::string line; std::getline(in, line);) {
      std::istringstream words{line};
      int frames = 0;
      words >> frames;
      IdentitySequence sequence;
      for (int t = 0; t < frames; ++t) {
        std::string truth, guess;
        words >> truth >> guess;
        const auto ids = [](const std::string& strip) {
          std::vector<vos::ObjectId> values;
          for (const char c : strip) values.push_back(c - '0');
          return values;
        };
        const auto a = ids(truth), b = ids(guess);
        const auto width = static_cast<std::int64_t>(a.size());
        sequence.add(vos::LabelPair{{a, 1, width}, {b, 1, width}});
      }
      const auto scores = frames > 0 ? vos::identity_scores(sequence).first : total;
      if (frames > 0) total += scores, ++sequences;
      const auto numbers = numbers_of(scores);
      for (const auto& name : names) {
        double expected = 0;
        words >> expected;
        CAPTURE(line);
        CAPTURE(name);
        CHECK(std::abs(numbers.at(name) - expected) < 1e-9 * std::max(1.0, std::abs(expected)));  // thirteen digits
      }
    }
    CHECK(sequences == 200);
  }

  TEST_CASE("label maps are scored frame by frame") {
    const std::vector<std::pair<vos::LabelImage, vos::LabelImage>> frames{{{1, 4, {1, 1, 2, 2}}, {1, 4, {5, 5, 6, 6}}},
                                                                          {{1, 4, {1, 1, 2, 2}}, {1, 4, {6, 6, 5, 5}}}};
    using namespace vos;
    // [identity]
    IdentitySequence sequence;  // keeps overlaps, not pixels: any length will do
    for (const auto& [truth, guess] : frames)
      sequence.add(LabelPair{{truth.ids, truth.height, truth.width}, {guess.ids, guess.height, guess.width}});
    const auto [scores, switches] = identity_scores(sequence);
    // [identity]
    CHECK(scores.identity.idf1() == .5);
    CHECK(switches.size() == 2);
  }

  TEST_CASE("a switch is remembered through gaps of any length, and the first match is none") {
    CHECK(vos::identity_scores(carried_by({{0}, {7}, {0}, {0}, {7}})).first.clear.switches == 0);
    CHECK(vos::identity_scores(carried_by({{7}, {0}, {0}, {0}, {0}, {0}, {0}, {8}})).first.clear.switches == 1);
  }

  TEST_CASE("a perfect tracker has fragments where objects leave and return, but not where a frame is empty") {
    const std::vector<std::vector<vos::ObjectId>> both{{1, 2}, {0, 2}, {1, 2}};
    CHECK(vos::identity_scores(carried_by(both, {{true, true}, {false, true}, {true, true}})).first.clear.fragments ==
          1);
    const std::vector<std::vector<vos::ObjectId>> one{{1}, {0}, {1}};
    CHECK(vos::identity_scores(carried_by(one, {{true}, {false}, {true}})).first.clear.fragments == 0);
  }

  TEST_CASE("without objects MOTA is 0 whatever was found, and the lost share is 1") {
    const auto scores = vos::identity_scores(carried_by({{5}, {5}}, {{false}, {false}})).first;
    CHECK(scores.clear.wrong == 2);
    CHECK(scores.clear.mota() == 0);
    CHECK(scores.clear.smotsa() == 0);
    CHECK(scores.clear.mostly_lost_share() == 1);
    CHECK(scores.clear.mostly_tracked_share() == 0);
    CHECK(scores.hota.loca() == 1);
    CHECK(vos::identity_scores(IdentitySequence{}).first.hota.hota() == 0);
  }

  TEST_CASE("a track that went with the object before is kept over a slightly better one") {
    IdentitySequence sequence;
    using Seen = IdentitySequence::Seen;
    const std::vector<Seen> object{{1, 100}}, tracks{{7, 100}, {8, 100}};
    const auto add_frame = [&](std::vector<std::int64_t> shared) {
      sequence.add(object, tracks, [&](std::size_t, std::size_t j) { return shared[j]; });
    };
    add_frame({80, 70}), add_frame({75, 85}), add_frame({40, 85});  // at last the first falls below .5
    const auto carried = vos::correspondences(sequence);
    const auto track = [&](std::size_t t) { return sequence.track_ids()[carried[t].at(0).track]; };
    CHECK(track(0) == 7);
    CHECK(track(1) == 7);
    CHECK(track(2) == 8);
  }

  TEST_CASE("each switch has one kind") {
    CHECK(kinds_of(carried_by({{1, 2}, {2, 1}})) == "swap swap");
    CHECK(kinds_of(carried_by({{1, 2}, {2, 1}, {1, 2}})) == "swap swap swap swap");        // there and back
    CHECK(kinds_of(carried_by({{1, 2}, {1, 0}, {2, 0}, {2, 0}, {2, 1}})) == "swap swap");  // within three frames
    CHECK(kinds_of(carried_by({{1, 2}, {2, 0}, {2, 0}, {2, 0}, {2, 0}, {2, 1}})) == "steal steal");  // too far apart
    CHECK(kinds_of(carried_by({{1, 2}, {2, 0}})) == "steal");
    CHECK(kinds_of(carried_by({{1, 2}, {2, 3}})) == "steal renew");
    CHECK(kinds_of(carried_by({{1}, {3}})) == "renew");
    CHECK(kinds_of(carried_by({{1}, {0}, {3}})) == "re-entry");
    CHECK(kinds_of(carried_by({{1}, {3}, {1}})) == "renew renew");  // back to its own: nobody lost a track
    CHECK(kinds_of(carried_by({{1}, {0}, {1}})).empty());
    const auto two =
        vos::identity_switches(carried_by({{1, 2}, {3, 2}}), vos::correspondences(carried_by({{1, 2}, {3, 2}})));
    REQUIRE(two.size() == 1);
    CHECK(two[0].frame == 1);
    CHECK(two[0].object == 1);
    CHECK(two[0].from == 1);
    CHECK(two[0].to == 3);
    CHECK(vos::identity_scores(carried_by({{1, 2}, {2, 3}})).first.severity == 1.5);
    CHECK(vos::identity_scores(carried_by({{1}, {0}, {3}})).first.severity == .25);
  }

  TEST_CASE("there are as many kinds as switches in every random sequence") {
    std::mt19937 random{9};
    for (int round = 0; round < 200; ++round) {
      std::vector<std::vector<vos::ObjectId>> frames(12);
      for (auto& frame : frames) {
        std::vector<vos::ObjectId> ids{1, 2, 3, 4, 0};
        std::shuffle(ids.begin(), ids.end(), random);
        frame.assign(ids.begin(), ids.begin() + 3);
      }
      const auto [scores, switches] = vos::identity_scores(carried_by(frames));
      CHECK(scores.clear.switches == static_cast<std::int64_t>(switches.size()));
    }
  }

  TEST_CASE("an object is recovered if the first track after five absent frames, within ten, is its earlier one") {
    const auto after = [](std::size_t absent, std::size_t unmatched, vos::ObjectId id) {
      std::vector<std::vector<vos::ObjectId>> frames{{7, 9}, {7, 9}};
      std::vector<std::vector<bool>> visible(2, {true, true});
      for (std::size_t i = 0; i < absent; ++i) frames.push_back({0, 9}), visible.push_back({false, true});
      for (std::size_t i = 0; i < unmatched; ++i) frames.push_back({0, 9}), visible.push_back({true, true});
      for (int i = 0; i < 3; ++i) frames.push_back({id, 9}), visible.push_back({true, true});
      const auto share = vos::identity_scores(carried_by(frames, visible)).first.recovered;
      return std::pair{share.part, share.whole};
    };
    CHECK(after(5, 0, 7) == std::pair<std::int64_t, std::int64_t>{1, 1});
    CHECK(after(4, 0, 7) == std::pair<std::int64_t, std::int64_t>{0, 0});  // not long enough
    CHECK(after(5, 0, 8) == std::pair<std::int64_t, std::int64_t>{0, 1});
    CHECK(after(5, 9, 7) == std::pair<std::int64_t, std::int64_t>{1, 1});
    CHECK(after(5, 10, 7) == std::pair<std::int64_t, std::int64_t>{0, 1});  // too late
    CHECK(vos::Share{}.rate(-1) == -1);
  }

  TEST_CASE("a ghost is a mask of 64 pixels or more where no object is") {
    IdentitySequence sequence;
    const Patch object{1, 0, 0, 10, 10};
    add(sequence, {object}, {{1, 0, 0, 10, 10}, {2, 0, 12, 8, 8}, {3, 10, 12, 9, 7}, {4, 11, 0, 9, 9}});
    add(sequence, {object}, {{5, 0, 0, 10, 1}});   // an IoU of .1
    add(sequence, {object}, {{6, 2, 9, 10, 10}});  // .04
    const auto share = vos::ghosts(sequence);
    CHECK(share.part == 3);  // 2, 4 and 6; 3 is of 63 pixels
    CHECK(share.whole == 6);
  }

  TEST_CASE("predictions in KITTI's ignored region leave, unless an object matches them") {
    using Seen = IdentitySequence::Seen;
    const std::vector<Seen> objects{{1, 100}}, tracks{{5, 100}, {6, 100}, {7, 100}, {8, 0}};
    const std::vector<std::vector<std::int64_t>> shared{{60, 0, 0, 0}};
    const auto kept = [&](std::vector<std::int64_t> ignored, std::int64_t with_object) {
      IdentitySequence sequence;
      vos::add_without_ignored(
          sequence, objects, tracks, [&](std::size_t, std::size_t j) { return j == 0 ? with_object : shared[0][j]; },
          ignored);
      return sequence.track_ids();
    };
    using Ids = std::vector<std::int64_t>;
    CHECK(kept({100, 51, 50, 0}, 70) == Ids{5, 7});  // matched; half is not enough
    CHECK(kept({100, 51, 50, 0}, 60) == Ids{7});     // an IoU of 60/140: not matched
    CHECK(kept({0, 0, 0, 0}, 0) == Ids{5, 6, 7});
  }

  TEST_CASE("with given ids an object is right under its own label alone") {
    CHECK(vos::given_identity(carried_by({{1, 2}, {1, 2}})).switches == 0);
    const auto swapped = vos::given_identity(carried_by({{2, 1}, {2, 1}}));  // from the first frame on
    CHECK(swapped.switches == 2);
    CHECK(swapped.confused.rate(0) == 1);
    const auto lost = vos::given_identity(carried_by({{1, 2}, {0, 2}, {1, 2}}));
    CHECK(lost.switches == 0);
    CHECK(lost.confused.whole == 5);  // frames that no label explains do not count
  }
}
