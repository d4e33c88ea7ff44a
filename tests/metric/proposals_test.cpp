#include <vos/metric/proposals.hpp>

#include "label_videos.hpp"

using vos::LabelPair;
using vos::test::near;

TEST_SUITE("metric") {
  TEST_CASE("the unsupervised rules give what plain arithmetic gives, in all frames and without void") {
    for (const auto& video : vos::test::label_videos()) {
      CAPTURE(video.name);
      const auto& expected = video.expected.at("unsupervised");
      const auto objects = static_cast<std::int64_t>(expected.size());
      std::vector<vos::ProposalScores> frames;
      std::int64_t proposals = objects;
      for (std::size_t t = 0; t < video.truth.size(); ++t) {
        for (const auto id : video.guess[t].ids) proposals = std::max<std::int64_t>(proposals, id);
        frames.push_back(proposal_scores(LabelPair(video.truth[t], video.guess[t], {.void_id = 255}), objects, 20));
      }
      const auto found = matched_proposals(frames, objects, proposals);
      for (std::int64_t g = 0; g < objects; ++g) {
        const auto& object = expected[static_cast<std::size_t>(g)];
        const auto p = found[static_cast<std::size_t>(g)];
        CHECK(p + 1 == object.at("proposal").get<std::int64_t>());
        std::vector<double> j, f;
        for (const auto& frame : frames) j.push_back(frame.j[frame.at(g, p)]), f.push_back(frame.f[frame.at(g, p)]);
        CHECK(near(j, object.at("J")));
        CHECK(near(f, object.at("F")));
      }
    }
  }

  TEST_CASE("a proposal follows one object through the whole video: ids exchanged half-way cost half") {
    const auto videos = vos::test::label_videos();
    const auto video =
        std::find_if(videos.begin(), videos.end(), [](const auto& v) { return v.name == "ids exchanged half-way"; });
    REQUIRE(video != videos.end());
    for (const auto& object : video->expected.at("unsupervised"))
      CHECK(object.at("J_statistics")[0].get<double>() < 0.6);
  }

  TEST_CASE("only proposals up to the largest id take part in the matching") {
    // The object is absent in half of the frames: an empty proposal would suit it better than the wrong one it has.
    const std::vector<vos::ObjectId> object{1, 1, 0, 0}, wrong{0, 0, 1, 1}, nothing(4);
    std::vector<vos::ProposalScores> frames;
    for (const auto& truth : {object, nothing, nothing})
      frames.push_back(proposal_scores(LabelPair({truth, 1, 4}, {wrong, 1, 4}), 1, 20));
    CHECK(matched_proposals(frames, 1, 1)[0] == 0);
    CHECK(matched_proposals(frames, 1, 20)[0] != 0);
  }
}
