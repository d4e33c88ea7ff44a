#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/io/files.hpp>
#include <vos/project/project.hpp>
#include <vos/wire/mask_scan.hpp>

namespace vos::test {

/// What a test sets on all fake projects that share it, from any thread.
struct FakeControl {
  std::atomic<int> step_ms = 0, marking_ms = 0;
  std::atomic<std::int64_t> fails_at = -1;    ///< a frame whose step throws what is no Error
  std::atomic<std::int64_t> refuses_at = -1;  ///< a frame whose step throws an Error
  std::atomic<std::int64_t> arrived = 0;      ///< frames that a live source has brought
  std::atomic<std::int64_t> skips_to = -1;    ///< the frames of a live source before this one are gone
  std::atomic<int> alive = 0, steps = 0;
  std::function<std::vector<std::uint8_t>(const ProjectFrame&)> draw = {};  ///< a picture of a frame; else a few bytes
};

/// A video of nothing, in which each object is a box that goes 2 pixels to the right and 1 down with each frame, round and round.
/// A prompt says where it is; what follows from all prompts is the same however it was come by.
///
/// Inputs: "fake:frames=60,size=160x120", "fake:live", "feed", or a file that begins with FAKE.
class FakeProject final : public Project {
 public:
  FakeProject(std::shared_ptr<FakeControl> control, const ProjectSpec& spec, const std::string& saved)
      : control_(std::move(control)) {
    info_ = {.name = spec.name, .height = 120, .width = 160, .frames = 60, .fps = 25, .model = spec.model};
    feeds_ = spec.input == "feed";
    if (spec.input.starts_with("fake:")) {
      for (const auto& option : vos::split(spec.input.substr(5), ',')) {
        if (option == "live") info_.live = true, info_.frames = -1;
        if (option.starts_with("frames=")) info_.frames = std::stoll(option.substr(7));
        if (option.starts_with("fps=")) info_.fps = std::stod(option.substr(4));
        if (option.starts_with("size=")) {
          const auto sides = vos::split(option.substr(5), 'x');
          info_.width = std::stoll(sides.at(0)), info_.height = std::stoll(sides.at(1));
        }
        if (option == "broken") throw std::runtime_error("a model that fails when it is opened");
      }
    } else if (feeds_) {
      info_.live = true, info_.frames = -1;
    } else if (!read_text(spec.input).starts_with("FAKE")) {
      throw Error({.what = "this is no video", .where = spec.input, .mend = "send one that plays elsewhere"});
    }
    if (info_.name.empty()) info_.name = spec.input;
    if (spec.model == "detector") info_.detects = true;
    model_ = spec.model;
    if (!saved.empty()) edits_ = nlohmann::json::parse(saved).at("edits").get<std::vector<nlohmann::json>>();
    replay();
    ++control_->alive;
  }
  ~FakeProject() override { --control_->alive; }
  FakeProject(const FakeProject&) = delete;
  FakeProject& operator=(const FakeProject&) = delete;

  ProjectInfo info() const override { return info_; }

  ProjectStep step(std::int64_t index, std::stop_token stop) override {
    using enum ProjectStep::State;
    if (stop.stop_requested()) throw Cancelled("step");
    if (!info_.live && index >= info_.frames) return {.state = ended};
    if (info_.live && index >= arrived()) return {.state = waiting};
    if (index >= gone_from_ && index < gone_to_) throw Error({.what = "frame " + std::to_string(index) + " is gone"});
    if (index < done_) return {.state = ready};
    if (const auto to = control_->skips_to.load(); info_.live && done_ < to && to < arrived())
      gone_from_ = std::exchange(done_, to), gone_to_ = to;
    if (const auto ms = control_->step_ms.load(); ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    if (done_ == control_->fails_at) throw std::runtime_error("a model that throws");
    if (done_ == control_->refuses_at)
      throw Error({.what = "frame " + std::to_string(done_) + " is damaged", .where = "/state/sessions/x/source.mp4"});
    ++control_->steps;
    made_ = frame(done_);
    ++revisions_[done_];
    ++done_;
    return {.state = done_ > index ? ready : working, .index = done_ - 1, .done = done_, .total = index + 1};
  }

  const ProjectFrame* result(std::int64_t index) const override {
    if (index < 0 || index >= done_ || (index >= gone_from_ && index < gone_to_)) return nullptr;
    made_ = frame(index);
    return &made_;
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> ready() const override {
    return done_ > 0 ? std::vector<std::pair<std::int64_t, std::int64_t>>{{0, done_}}
                     : std::vector<std::pair<std::int64_t, std::int64_t>>{};
  }
  std::int64_t newest() const override { return done_ - 1; }

  std::vector<std::uint8_t> picture(std::int64_t index, std::int64_t) override {
    if (index < 0 || (!info_.live && index >= info_.frames))
      throw Error({.what = "there is no frame " + std::to_string(index)});
    if (control_->draw) return control_->draw(frame(index));
    return {0xFF, 0xD8, static_cast<std::uint8_t>(index), 0xFF, 0xD9};
  }

  std::int64_t feed(double, std::span<const std::uint8_t>) override {
    if (!feeds_) throw Error({.what = "this source takes no pictures"});
    return fed_++;
  }

  Beside<MaskFrame> marking(std::int64_t index, std::vector<Mark> marks) override {
    expect_frame(index);
    auto next = next_id_;
    std::map<ObjectId, Box> boxes;
    for (const auto& mark : marks) {
      if (mark.object != 0) expect_object(mark.object);
      Box box = mark.box.value_or(Box{});
      for (const auto& click : mark.clicks) box = {click.at.x - 5, click.at.y - 5, click.at.x + 5, click.at.y + 5};
      for (const auto& polygon : mark.polygons) box = around(polygon.points, 0);
      for (const auto& stroke : mark.strokes) box = around(stroke.points, stroke.radius);
      boxes[mark.object != 0 ? mark.object : next++] = box;
    }
    return [boxes, height = info_.height, width = info_.width, control = control_](std::stop_token stop) {
      for (int ms = control->marking_ms; ms > 0; --ms) {
        if (stop.stop_requested()) throw Cancelled("marking");
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      return masks(boxes, height, width);
    };
  }

  std::vector<ObjectId> prompt(std::int64_t index, const MaskFrame& masks,
                               const std::map<ObjectId, std::string>& names) override {
    expect_frame(index);
    auto boxes = nlohmann::json::object(), named = nlohmann::json::object();
    for (std::size_t k = 0; k < masks.ids.size(); ++k) {
      Box box{1e9F, 1e9F, 0, 0};
      const auto& rows = masks.layers[masks.overlapping ? k : 0];
      for_each_run(rows, masks.width, [&](std::int64_t y, std::int64_t x0, std::int64_t x1, std::uint16_t slot) {
        if (!masks.overlapping && slot != k + 1) return;
        box = {std::min(box.x0, float(x0)), std::min(box.y0, float(y)), std::max(box.x1, float(x1)),
               std::max(box.y1, float(y + 1))};
      });
      boxes[std::to_string(masks.ids[k])] = {box.x0, box.y0, box.x1, box.y1};
    }
    for (const auto& [id, name] : names) named[std::to_string(id)] = name;
    edit({{"kind", "prompt"}, {"index", index}, {"boxes", boxes}, {"names", named}});
    return masks.ids;
  }
  void remove(ObjectId id) override { expect_object(id), edit({{"kind", "remove"}, {"id", id}}); }
  void rename(ObjectId id, std::string name, std::int32_t category, std::uint32_t colour) override {
    expect_object(id),
        edit({{"kind", "rename"}, {"id", id}, {"name", name}, {"category", category}, {"colour", colour}});
  }
  void merge(ObjectId from, ObjectId into) override {
    expect_object(from), expect_object(into), edit({{"kind", "merge"}, {"from", from}, {"into", into}});
  }
  ObjectId split(ObjectId id, std::int64_t index) override {
    expect_object(id), expect_frame(index);
    const auto fresh = next_id_;
    edit({{"kind", "split"}, {"id", id}, {"index", index}, {"fresh", fresh}});
    return fresh;
  }
  void propagate_back(std::int64_t from, std::int64_t to, std::vector<ObjectId> objects) override {
    edit({{"kind", "back"}, {"from", from}, {"to", to}, {"objects", objects}});
  }
  bool undo() override {
    if (edits_.empty()) return false;
    undone_.push_back(edits_.back());
    edits_.pop_back();
    replay();
    return true;
  }
  bool redo() override {
    if (undone_.empty()) return false;
    edits_.push_back(undone_.back());
    undone_.pop_back();
    replay();
    return true;
  }
  void choose_model(const std::string& name, const std::map<std::string, std::string>& settings) override {
    if (settings.contains("wrong")) throw Error({.what = "there is no option 'wrong'"});
    edit({{"kind", "model"}, {"name", name}});
  }

  std::vector<ProjectObject> objects() const override {
    std::vector<ProjectObject> all;
    for (const auto& [id, object] : objects_)
      all.push_back({.id = id,
                     .name = object.name,
                     .category = object.category,
                     .colour = object.colour,
                     .first_frame = object.first,
                     .last_frame = done_ - 1,
                     .prompted = object.prompted});
    return all;
  }

  Beside<std::filesystem::path> exporting(const ExportSpec& spec) override {
    const auto last = spec.last < 0 ? info_.frames - 1 : spec.last;
    const bool session = spec.kind == ExportSpec::Kind::session;
    if (!session && last >= done_) throw Error({.what = "frame " + std::to_string(done_) + " has no result yet"});
    return [spec, text = save(), session](std::stop_token) {
      static const std::map<ExportSpec::Kind, const char*> names{{ExportSpec::Kind::png_zip, "masks.zip"},
                                                                 {ExportSpec::Kind::rle_json, "results.json"},
                                                                 {ExportSpec::Kind::overlay_mp4, "overlay.mp4"},
                                                                 {ExportSpec::Kind::session, "session.json"}};
      auto path = spec.folder / names.at(spec.kind);
      write_file(path, session ? text : "an export");
      return path;
    };
  }
  std::string save() const override { return nlohmann::json{{"edits", edits_}}.dump(); }
  std::size_t memory() const override { return 1000; }

 private:
  struct Object {
    std::string name = {};
    std::int32_t category = -1;
    std::uint32_t colour = 0xFF0000;
    std::int64_t first = 0, last = -1;    // -1: to the end
    std::map<std::int64_t, Box> at = {};  // what prompts say
    std::vector<std::int64_t> prompted = {};
  };

  void expect_object(ObjectId id) const {
    if (!objects_.contains(id))
      throw Error(
          {.what = "there is no object " + std::to_string(id), .mend = "the object list tells those there are"});
  }
  void expect_frame(std::int64_t index) const {
    if (index < 0 || (info_.frames >= 0 && index >= info_.frames) || (info_.live && index >= arrived()))
      throw Error({.what = "there is no frame " + std::to_string(index)});
  }
  std::int64_t arrived() const { return feeds_ ? fed_ : control_->arrived.load(); }

  static Box around(const std::vector<PicturePoint>& points, float radius) {
    Box box{1e9F, 1e9F, -1e9F, -1e9F};
    for (const auto& p : points)
      box = {std::min(box.x0, p.x - radius), std::min(box.y0, p.y - radius), std::max(box.x1, p.x + radius),
             std::max(box.y1, p.y + radius)};
    return box;
  }

  static MaskFrame masks(const std::map<ObjectId, Box>& boxes, std::int64_t height, std::int64_t width) {
    std::vector<ObjectId> labels(static_cast<std::size_t>(height * width)), ids;
    for (const auto& [id, box] : boxes) {
      ids.push_back(id);
      for (auto y = std::max(0L, long(box.y0)); y < std::min(height, long(box.y1)); ++y)
        for (auto x = std::max(0L, long(box.x0)); x < std::min(width, long(box.x1)); ++x)
          labels[static_cast<std::size_t>(y * width + x)] = id;
    }
    return masks_from_labels(labels, height, width, ids);
  }

  ProjectFrame frame(std::int64_t index) const {
    std::map<ObjectId, Box> boxes;
    ProjectFrame frame{.index = index, .seconds = double(index) / info_.fps};
    for (const auto& [id, object] : objects_) {
      if (index < object.first || (object.last >= 0 && index > object.last)) continue;
      auto from = object.at.upper_bound(index);
      if (from != object.at.begin()) --from;
      const auto steps = index - from->first;
      auto box = from->second;
      const auto move = [](float& low, float& high, std::int64_t by, std::int64_t side) {
        const auto size = high - low, room = std::max(1.0F, float(side) - size);
        low = std::fmod(std::fmod(low + float(by), room) + room, room);
        high = low + size;
      };
      move(box.x0, box.x1, 2 * steps, info_.width);
      move(box.y0, box.y1, steps, info_.height);
      boxes[id] = box;
      frame.objects.push_back({.id = id,
                               .category = object.category,
                               .score = 0.9F,
                               .box = box,
                               .visible = true,
                               .prompted = object.at.begin()->first == index,
                               .corrected = object.at.begin()->first != index && object.at.contains(index)});
    }
    frame.masks = masks(boxes, info_.height, info_.width);
    if (const auto found = revisions_.find(index); found != revisions_.end()) frame.revision = found->second;
    return frame;
  }

  void edit(nlohmann::json one) {
    edits_.push_back(std::move(one));
    undone_.clear();
    replay();
  }

  void replay() {
    objects_.clear();
    next_id_ = 1;
    info_.model = model_;
    for (const auto& one : edits_) {
      const auto kind = one.at("kind").get<std::string>();
      if (kind == "prompt") {
        for (const auto& [key, box] : one.at("boxes").items()) {
          const auto id = static_cast<ObjectId>(std::stoi(key));
          const auto index = one.at("index").get<std::int64_t>();
          auto& object = objects_.try_emplace(id, Object{.first = index}).first->second;
          object.at.erase(object.at.lower_bound(index), object.at.end());
          object.at[index] = {box[0], box[1], box[2], box[3]};
          object.first = std::min(object.first, index);
          object.prompted.push_back(index);
          if (one.at("names").contains(key)) object.name = one.at("names").at(key);
          next_id_ = std::max(next_id_, id + 1);
        }
      } else if (kind == "remove") {
        objects_.erase(one.at("id").get<ObjectId>());
      } else if (kind == "rename") {
        auto& object = objects_.at(one.at("id"));
        object.name = one.at("name"), object.category = one.at("category"), object.colour = one.at("colour");
      } else if (kind == "merge") {
        objects_.erase(one.at("from").get<ObjectId>());
      } else if (kind == "split") {
        auto fresh = objects_.at(one.at("id"));
        fresh.first = one.at("index");
        objects_.at(one.at("id")).last = fresh.first - 1;
        objects_[one.at("fresh")] = fresh;
        next_id_ = one.at("fresh").get<ObjectId>() + 1;
      } else if (kind == "back") {
        for (auto& [id, object] : objects_) object.first = std::min(object.first, one.at("to").get<std::int64_t>());
      } else if (kind == "model") {
        info_.model = one.at("name");
      }
    }
    if (!info_.live) done_ = 0;  // a real project keeps what still holds
  }

  std::shared_ptr<FakeControl> control_;
  ProjectInfo info_;
  std::string model_;
  bool feeds_ = false;
  std::vector<nlohmann::json> edits_, undone_;
  std::map<ObjectId, Object> objects_;
  ObjectId next_id_ = 1;
  std::int64_t done_ = 0, fed_ = 0, gone_from_ = 0, gone_to_ = 0;
  std::map<std::int64_t, std::uint32_t> revisions_;
  mutable ProjectFrame made_;
};

inline MakeProject fake_projects(const std::shared_ptr<FakeControl>& control) {
  return [control](const ProjectSpec& spec, const std::string& saved) {
    return std::make_unique<FakeProject>(control, spec, saved);
  };
}

}  // namespace vos::test
