#include <vos/project/session_file.hpp>

#include <limits>

#include <vos/core/random.hpp>
#include <vos/project/plan.hpp>

#include "../refusal.hpp"
#include "../test.hpp"

using namespace vos;

namespace {

/// Objects as columns of one pixel's width, side by side from the left; an id below 0 stands for one without pixels.
MaskFrame columns(std::vector<ObjectId> ids, std::int64_t height = 4, std::int64_t width = 6) {
  std::vector<ObjectId> labels(static_cast<std::size_t>(height * width));
  for (std::size_t k = 0; k < ids.size(); ++k)
    if (ids[k] > 0)
      for (std::int64_t y = 0; y < height; ++y) labels[static_cast<std::size_t>(y * width) + k] = ids[k];
  for (auto& id : ids) id = std::abs(id);
  return masks_from_labels(labels, height, width, ids);
}

EditList list_of(std::vector<Edit> edits) {
  EditList list;
  for (auto& edit : edits) list.add(std::move(edit));
  return list;
}

Plan plan_of(const EditList& edits) { return vos::plan_of("flow", {}, edits.done()); }
Plan plan_of(std::vector<Edit> edits) { return plan_of(list_of(std::move(edits))); }

edit::Prompt prompt(std::int64_t frame, std::vector<ObjectId> ids) { return {frame, columns(std::move(ids)), {}}; }

Edit random_edit(CounterRandom& random, int ids, int frames) {
  const auto id = [&] { return static_cast<ObjectId>(1 + random.below(ids)); };
  const auto frame = [&] { return random.below(frames); };
  switch (random.below(8)) {
    case 0: return edit::Remove{id(), frame()};
    case 1: return edit::Rename{id(), "name \"of\" \xC3\xA4", static_cast<std::int32_t>(random.below(5)) - 1, 0x123456};
    case 2: {
      const auto from = id();
      return edit::Merge{from, from % ids + 1};
    }
    case 3: {
      const auto one = id();
      return edit::Split{one, frame(), one % ids + 1};
    }
    case 4: {
      const auto to = frame();
      return edit::PropagateBack{to + 1 + frame(), to, {id()}};
    }
    case 5: return edit::ChooseModel{"hold", {{"score", "0.25"}}};
    default: {
      std::vector<ObjectId> named;
      for (ObjectId one = 1; one <= ids; ++one)
        if (random.below(3) == 0) named.push_back(random.below(8) == 0 ? -one : one);
      if (named.empty()) named.push_back(id());
      auto it = prompt(frame(), named);
      if (random.below(2) == 0) it.names[it.masks.ids.front()] = "cat";
      return it;
    }
  }
}

/// What a list of edits says of the objects' names, followed edit by edit on a table of all frames.
class Names {
 public:
  static constexpr int frames = 12;
  using Row = std::array<ObjectId, frames>;  // of one of the model's objects: its name in each frame

  void prompt(std::int64_t frame, ObjectId outer) {
    for (const auto& [inner, row] : rows_)
      if (row[static_cast<std::size_t>(frame)] == outer) return;  // one that is there already
    if (used_.insert(outer).second) rows_[outer].fill(outer);
    else rows_[--fresh_].fill(outer);
  }
  bool known(ObjectId id) const { return used_.contains(id); }
  void rename(ObjectId from, ObjectId to, std::int64_t begin) {
    if (to != 0) used_.insert(to);
    for (auto& [inner, row] : rows_)
      for (auto t = static_cast<std::size_t>(begin); t < frames; ++t)
        if (row[t] == from) row[t] = to;
  }
  /// In each frame, how many of the model's objects have each name.
  std::vector<std::map<ObjectId, int>> counts() const {
    std::vector<std::map<ObjectId, int>> counts(frames);
    for (const auto& [inner, row] : rows_)
      for (std::size_t t = 0; t < frames; ++t)
        if (row[t] != 0) ++counts[t][row[t]];
    return counts;
  }

 private:
  std::map<ObjectId, Row> rows_;
  std::set<ObjectId> used_;
  ObjectId fresh_ = 0;
};

std::string text_of(const EditList& edits) {
  return session_text({.source = {.input = "clip.mp4"}, .edits = edits},
                      [](const auto& edit) { return edit_text(*edit); });
}

}  // namespace

TEST_SUITE("project: edits") {
  TEST_CASE("undo and redo walk along the list, and a new edit ends what was taken back") {
    EditList list;
    std::vector<Edit> done, undone;
    CounterRandom random{1};
    for (int i = 0; i < 500; ++i) {
      const auto act = random.below(4);
      if (act == 0) {
        CHECK(list.undo() == !done.empty());
        if (!done.empty()) undone.push_back(done.back()), done.pop_back();
      } else if (act == 1) {
        CHECK(list.redo() == !undone.empty());
        if (!undone.empty()) done.push_back(undone.back()), undone.pop_back();
      } else {
        const Edit edit = edit::Merge{i + 1, i + 2};
        list.add(edit);
        done.push_back(edit);
        undone.clear();
      }
      REQUIRE(list.done().size() == done.size());
      REQUIRE(list.undone().size() == undone.size());
      for (std::size_t k = 0; k < done.size(); ++k) REQUIRE(*list.done()[k] == done[k]);
    }
  }

  TEST_CASE("what is said of two frames is told to the model there, whatever the order") {
    const auto early = plan_of({prompt(3, {1}), prompt(7, {1, 2})}),
               late = plan_of({prompt(7, {1, 2}), prompt(3, {1})});
    for (const auto& plan : {early, late}) {
      CHECK(plan.frames.size() == 2);
      CHECK(plan.frames.at(3).given.at(0).inner == std::vector<ObjectId>{1});
      CHECK(plan.frames.at(7).given.at(0).inner == std::vector<ObjectId>{1, 2});
      CHECK(plan.prompted(1, 3));
      CHECK(plan.corrected(1, 7));
      CHECK(plan.prompted(2, 7));
      CHECK(!plan.prompted(1, 7));
    }
  }

  TEST_CASE("a removed object is shown nowhere, and named again it is another one for the model") {
    auto plan = plan_of({prompt(0, {1, 2}), edit::Remove{1, 5}});
    CHECK(plan.identities.shown_as(1, 0) == 0);
    CHECK(plan.identities.shown_as(1, 9) == 0);
    CHECK(plan.identities.shown_as(2, 9) == 2);
    CHECK(plan.removed == std::map<ObjectId, std::int64_t>{{1, 5}});
    plan = plan_of({prompt(0, {1, 2}), edit::Remove{1, 5}, prompt(8, {1})});
    const auto again = plan.frames.at(8).given.at(0).inner.at(0);
    CHECK(again != 1);
    CHECK(plan.identities.shown_as(again, 8) == 1);
    CHECK(plan.identities.shown_as(1, 8) == 0);
  }

  TEST_CASE("what was said of a removed object where the model no longer follows it is not told") {
    const auto plan = plan_of({prompt(0, {1}), prompt(9, {1, 2}), edit::Remove{1, 5}});
    CHECK(plan.frames.at(0).given.at(0).inner == std::vector<ObjectId>{1});
    CHECK(plan.frames.at(9).given.at(0).inner == std::vector<ObjectId>{0, 2});
  }

  TEST_CASE("an id that only a project gives is shown under no name of its own") {
    CHECK(Identities{}.shown_as(most_object_id, 0) == most_object_id);
    CHECK(Identities{}.shown_as(most_object_id + 1, 0) == 0);
  }

  TEST_CASE("merged objects go on as one where the person draws it") {
    const auto plan = plan_of({prompt(0, {1, 2}), edit::Merge{2, 1}, prompt(6, {1})});
    CHECK(plan.identities.shown_as(2, 3) == 1);
    CHECK(plan.frames.at(6).given.at(0).inner == std::vector<ObjectId>{1});
    CHECK(plan.frames.at(6).ended == std::set<ObjectId>{2});
  }

  TEST_CASE("a part that was split off is corrected under its new name, and removed alone") {
    auto plan = plan_of({prompt(0, {1}), edit::Split{1, 5, 7}, prompt(8, {7})});
    CHECK(plan.identities.shown_as(1, 4) == 1);
    CHECK(plan.identities.shown_as(1, 5) == 7);
    CHECK(plan.frames.at(8).given.at(0).inner == std::vector<ObjectId>{1});
    plan = plan_of({prompt(0, {1}), edit::Split{1, 5, 7}, edit::Remove{7, 2}});
    CHECK(plan.identities.shown_as(1, 4) == 1);
    CHECK(plan.identities.shown_as(1, 5) == 0);
    CHECK(plan.removed == std::map<ObjectId, std::int64_t>{{1, 5}});  // not at 2, where it is still 1
    plan = plan_of({prompt(0, {1}), edit::Split{1, 5, 7}, edit::Remove{1, 9}});
    CHECK(plan.identities.shown_as(1, 4) == 0);
    CHECK(plan.identities.shown_as(1, 5) == 7);
    CHECK(plan.removed.empty());
  }

  TEST_CASE("an empty mask ends an object in that frame until it is drawn again") {
    const auto plan = plan_of({prompt(0, {1, 2}), prompt(4, {-1, 2}), prompt(8, {1})});
    CHECK(plan.frames.at(4).ended == std::set<ObjectId>{1});
    CHECK(plan.frames.at(4).given.at(0).inner == std::vector<ObjectId>{0, 2});
    CHECK(plan.frames.at(8).given.at(0).inner == std::vector<ObjectId>{1});
    CHECK(plan.corrected(1, 4));
    // The same frame, drawn and then emptied, and the other way round.
    CHECK(plan_of({prompt(4, {1}), prompt(4, {-1})}).frames.at(4).given.at(0).inner == std::vector<ObjectId>{0});
    CHECK(plan_of({prompt(0, {1}), prompt(4, {-1}), prompt(4, {1})}).frames.at(4).ended.empty());
  }

  TEST_CASE("another model's objects are not those that the last one found") {
    const auto plan = plan_of({prompt(0, {9}), edit::Remove{3, 5}, edit::Merge{9, 8}, edit::ChooseModel{"hold", {}}});
    CHECK(plan.identities.shown_as(3, 6) == 3);  // found by itself, twice
    CHECK(plan.identities.shown_as(9, 6) == 8);  // the person's
    CHECK(plan.model == "hold");
  }

  TEST_CASE("the first frame that an edit changes is where the model is told otherwise") {
    const std::vector<Edit> base{prompt(3, {1, 2}), prompt(20, {1})};
    const auto after = [&](Edit edit) {
      auto list = list_of(base);
      const auto before = plan_of(list);
      list.add(std::move(edit));
      const auto first = first_difference(before, plan_of(list));
      list.undo();
      CHECK(!first_difference(before, plan_of(list)));
      return first.value_or(-1);
    };
    CHECK(after(prompt(7, {1})) == 7);
    CHECK(after(prompt(3, {2})) == 3);
    CHECK(after(edit::Remove{1, 30}) == 30);
    CHECK(after(edit::Remove{1, 10}) == 10);
    CHECK(after(edit::Rename{1, "cat", -1, 0}) == -1);
    CHECK(after(edit::Merge{2, 1}) == -1);  // the next correction ends 2 there
    CHECK(after(edit::Split{1, 10, 5}) == -1);
    CHECK(after(edit::PropagateBack{20, 3, {1}}) == -1);
    CHECK(after(edit::ChooseModel{"hold", {}}) == 0);
  }

  TEST_CASE("names of objects after random edits are those of a table kept frame by frame") {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      CounterRandom random{seed};
      Names names;
      std::vector<Edit> edits;
      std::set<ObjectId> inner;
      ObjectId fresh = 6;
      for (int i = 0; i < 20; ++i) {
        auto edit = random_edit(random, 5, Names::frames);
        if (auto* split = std::get_if<edit::Split>(&edit))
          split->other = fresh++;  // as a project does: never used before
        if (std::holds_alternative<edit::ChooseModel>(edit)) continue;
        const bool known = std::visit(
            [&](const auto& it) {
              if constexpr (requires { it.from, it.into; }) return names.known(it.from) && names.known(it.into);
              else if constexpr (requires { it.object; }) return names.known(it.object);
              else return true;
            },
            edit);
        if (!known) continue;
        if (const auto* it = std::get_if<edit::Prompt>(&edit))
          for (const auto id : it->masks.ids) names.prompt(it->index, id);
        if (const auto* it = std::get_if<edit::Remove>(&edit)) names.rename(it->object, 0, 0);
        if (const auto* it = std::get_if<edit::Merge>(&edit)) names.rename(it->from, it->into, 0);
        if (const auto* it = std::get_if<edit::Split>(&edit)) names.rename(it->object, it->other, it->index);
        edits.push_back(std::move(edit));
      }
      // The model's objects are those that prompts named, told or not.
      Identities identities;
      std::size_t step = 0;
      for (const auto& edit : edits) {
        ++step;
        if (const auto* it = std::get_if<edit::Prompt>(&edit))
          for (const auto id : it->masks.ids) inner.insert(identities.named(id, it->index, step));
        if (const auto* it = std::get_if<edit::Remove>(&edit)) identities.remove(it->object, step);
        if (const auto* it = std::get_if<edit::Merge>(&edit)) identities.merge(it->from, it->into, step);
        if (const auto* it = std::get_if<edit::Split>(&edit)) identities.split(it->object, it->index, it->other, step);
      }
      const auto expected = names.counts();
      for (std::int64_t t = 0; t < Names::frames; ++t) {
        std::map<ObjectId, int> found;
        for (const auto id : inner)
          if (const auto shown = identities.shown_as(id, t); shown != 0) ++found[shown];
        CHECK_MESSAGE(found == expected[static_cast<std::size_t>(t)], "seed " << seed << ", frame " << t);
      }
    }
  }
}

TEST_SUITE("project: session file") {
  TEST_CASE("random edits are read back as they were written, with those that were taken back") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      CounterRandom random{7, seed};
      SessionFile session{
          .source = {"clip.mp4", "a \"clip\"", 640, 4, 6, 30}, .model = "hold", .settings = {{"score", "1"}}};
      for (int i = 0; i < 12; ++i) session.edits.add(random_edit(random, 5, 40));
      for (auto i = random.below(5); i > 0; --i) session.edits.undo();
      const auto text = session_text(session, [](const auto& edit) { return edit_text(*edit); });
      const auto read = session_from_text(text, "test");
      CHECK(read.source.input == "clip.mp4");
      CHECK(read.source.name == "a \"clip\"");
      CHECK(read.source.max_size == 640);
      CHECK(read.source.frames == 30);
      CHECK(read.model == "hold");
      CHECK(read.settings == session.settings);
      REQUIRE(read.edits.done().size() == session.edits.done().size());
      REQUIRE(read.edits.undone().size() == session.edits.undone().size());
      for (std::size_t i = 0; i < read.edits.done().size(); ++i)
        CHECK_MESSAGE(*read.edits.done()[i] == *session.edits.done()[i], edit_text(*session.edits.done()[i]));
      CHECK(session_text(read, [](const auto& edit) { return edit_text(*edit); }) == text);
    }
  }

  TEST_CASE("a file that is damaged is an Error that says where, and nothing else") {
    const auto refused = [](std::string text, const std::string& from, const std::string& to) {
      const auto at = text.find(from);
      REQUIRE(at != std::string::npos);
      text.replace(at, from.size(), to);
      return test::refused([&] { session_from_text(text, "s.json"); });
    };
    const auto text = text_of(list_of({prompt(3, {1, 2}), edit::Split{1, 5, 7}}));
    const auto counts_of = [](const MaskFrame& masks) {
      return detail::json_of(masks)[0]["segmentation"]["counts"].get<std::string>();
    };
    std::vector<ObjectId> right(24);
    for (std::size_t i = 1; i < right.size(); i += 6) right[i] = 2;
    const auto first = counts_of(columns({1})), second = counts_of(masks_from_labels(right, 4, 6));
    const auto check = [&](const std::string& from, const std::string& to, const std::string& what,
                           const std::string& where) {
      const auto error = refused(text, from, to);
      CHECK_MESSAGE(error.parts().what.find(what) != std::string::npos, std::string{error.what()});
      CHECK_MESSAGE(error.parts().where.find(where) != std::string::npos, std::string{error.what()});
      CHECK(!error.parts().mend.empty());
    };
    check("vos-session", "other", "no session file", "s.json");
    check("\"version\": 1", "\"version\": 2", "version 2", "version");
    check("\"frame\":3", "\"frame\":-3", "'-3' is not a whole number", "edits[0].frame");
    check("\"frame\":3", "\"frame\":\"3\"", "is not a whole number", "edits[0].frame");
    check("\"frame\":3", "\"frame\":18446744073709551615", "is not a whole number", "edits[0].frame");
    check("\"id\":2", "\"id\":1", "named twice", "edits[0]");
    check("4,6],\"counts\":\"" + second, "4,6],\"counts\":\"" + first, "overlap", "edits[0].objects[1]");
    check("\"id\":2", "\"id\":0", "'0' is not a whole number", "edits[0].objects[1].id");
    check("[4,6]", "[4,7]", "cover", "edits[0].objects[0]");
    check("[4,6]", "[400000,6]", "is not a whole number", "edits[0].objects[0].size");
    check("[4,6]", "[4]", "height and width", "edits[0].objects[0]");
    check("\"split\"", "\"spill\"", "'spill' is no edit", "edits[1]");
    check("\"other\":7", "\"other\":1", "itself", "edits[1]");
    check("\"edits\"", "\"edit\"", "there is no 'edits'", "file");
    check("\"undone\": []", "\"undone\": {}", "no list", "undone");
    check("\"model\": \"flow\"", "\"model\": 7", "no text", "file.model");
  }

  TEST_CASE("a file of few letters that means more than there is room for is refused") {
    const auto refused = [](const EditList& edits) {
      const auto text = text_of(edits);
      return test::refused([&] { session_from_text(text, "s.json"); }).parts();
    };
    EditList many;
    for (std::size_t i = 0; i <= most_edits; ++i) many.add(edit::Merge{1, 2});
    CHECK(refused(many).what.find("100001 edits") != std::string::npos);
    const edit::Prompt tall{0, columns({1}, 1 << 15, 1), {}};
    EditList rows;
    for (int i = 0; i < 513; ++i) rows.add(tall);
    CHECK(refused(rows).what.find("rows") != std::string::npos);
    CHECK(refused(rows).where.find("edits[512]") != std::string::npos);
    for (const auto id : {most_object_id + 1, std::numeric_limits<ObjectId>::max()})
      CHECK(refused(list_of({edit::Split{1, 5, id}})).where.find("other") != std::string::npos);
  }

  TEST_CASE("whatever single byte is lost or changed, reading ends in a session or in an Error") {
    const auto text =
        text_of(list_of({prompt(3, {1, 2}), edit::Remove{1, 4}, edit::ChooseModel{"hold", {{"a", "b"}}}}));
    CounterRandom random{3};
    std::size_t refused = 0;
    for (std::size_t at = 0; at < text.size(); ++at)
      for (const int act : {0, 1, 2}) {
        auto damaged = text;
        if (act == 0) damaged.resize(at);
        else if (act == 1) damaged.erase(at, 1);
        else damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
        try {
          session_from_text(damaged, "s.json");
        } catch (const Error& error) {
          ++refused;
          CHECK(!error.parts().where.empty());
        }
      }
    CHECK(refused > text.size());  // every cut, to begin with
  }
}
