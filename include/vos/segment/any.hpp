#pragma once

#include <any>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <ATen/core/Tensor.h>

#include <vos/error.hpp>
#include <vos/frame/frame.hpp>
#include <vos/segment/protocol.hpp>
#include <vos/segment/segmenter.hpp>

namespace vos {

/// A moment of a segmenter: everything that decides what it does next. Cheap to copy, valid for the segmenter it came
/// from and for any other made from the same spec.
class Snapshot {
 public:
  Snapshot() = default;
  bool empty() const { return !state_.has_value(); }

 private:
  friend class AnySegmenter;
  Snapshot(std::any state, std::string origin, Protocol protocol)
      : state_(std::move(state)), origin_(std::move(origin)), protocol_(std::move(protocol)) {}
  std::any state_;
  std::string origin_;
  Protocol protocol_;
};

/// Any model behind one type. Tools hold this and never name a model.
///
/// It also keeps the rules for all models in one place (see Protocol): a call that breaks them, or that fails inside the
/// model, throws and leaves the state as it was; frames of another size than the first are tracked at the first one's
/// size and answered at their own. One thread at a time may use it; `Work::stop` may be set from any.
class AnySegmenter {
 public:
  template <Segmenter Model>
  explicit AnySegmenter(Model model, std::string name = "custom", std::string settings = {})
      : model_(std::make_unique<Holder<Model>>(std::move(model))),
        name_(std::move(name)),
        origin_(name_ + '\n' + std::move(settings)) {}

  /// Adds the objects named in `labels` [H,W], or corrects those already known; see Segmenter.
  void prompt(const Frame& frame, const at::Tensor& labels) {
    Protocol next = protocol_;
    const auto given = next.prompt(frame, labels);
    if (!given) return;  // nothing but zeros: nothing changes
    guarded(next, [&] { model_->prompt(given->frame, given->labels); });
  }

  /// Forgets an object; its pixels are free from the next push on.
  void remove(ObjectId id) {
    Protocol next = protocol_;
    next.remove(id);
    guarded(next, [&] { model_->remove(id); });
  }

  /// Takes the next frame, gives the results that are ready: exactly one for an online model.
  Results push(const Frame& frame, const Work& work = {}) {
    Protocol next = protocol_;
    const auto working = next.push(frame);
    Results results;
    guarded(next, [&] { next.deliver(results = model_->push(working, work)); });
    return results;
  }

  /// Ends the video: the results still owed.
  Results finish(const Work& work = {}) {
    Protocol next = protocol_;
    next.finish();
    Results results;
    guarded(next, [&] { next.deliver(results = model_->finish(work)); });
    return results;
  }

  /// Forgets everything; the next frame begins another video.
  void reset() {
    model_->reset();
    protocol_ = {};
  }

  Snapshot snapshot() const { return {model_->snapshot(), origin_, protocol_}; }

  void restore(const Snapshot& snapshot) {
    if (snapshot.origin_ != origin_ || !model_->restore(snapshot.state_))
      throw Error({.what = snapshot.empty() ? "an empty snapshot" : "a snapshot of another model, or of other options",
                   .where = "restore() of model '" + name_ + "'",
                   .mend = "restore what snapshot() of a segmenter made from the same spec gave"});
    protocol_ = snapshot.protocol_;
  }

  Latency latency() const { return model_->latency(); }
  const std::string& name() const { return name_; }
  /// The objects known now: prompted or found, and not removed.
  const std::set<ObjectId>& objects() const { return protocol_.objects(); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual void prompt(const Frame&, const at::Tensor&) = 0;
    virtual void remove(ObjectId) = 0;
    virtual Results push(const Frame&, const Work&) = 0;
    virtual Results finish(const Work&) = 0;
    virtual void reset() = 0;
    virtual std::any snapshot() const = 0;
    virtual bool restore(const std::any&) = 0;
    virtual Latency latency() const = 0;
  };

  template <Segmenter Model>
  struct Holder final : Interface {
    explicit Holder(Model m) : model(std::move(m)) {}
    void prompt(const Frame& frame, const at::Tensor& labels) override { model.prompt(frame, labels); }
    void remove(ObjectId id) override { model.remove(id); }
    Results push(const Frame& frame, const Work& work) override { return model.push(frame, work); }
    Results finish(const Work& work) override { return model.finish(work); }
    void reset() override { model.reset(); }
    std::any snapshot() const override { return model.snapshot(); }
    bool restore(const std::any& any) override {
      const auto* state = std::any_cast<typename Model::State>(&any);
      if (state) model.restore(*state);
      return state != nullptr;
    }
    Latency latency() const override { return model.latency(); }
    Model model;
  };

  /// Runs `act`; makes `next` the protocol when it succeeds, puts the model back when it throws.
  template <class Act>
  void guarded(Protocol& next, Act&& act) {
    const auto before = model_->snapshot();
    try {
      act();
    } catch (...) {
      model_->restore(before);
      throw;
    }
    protocol_ = std::move(next);
  }

  std::unique_ptr<Interface> model_;
  std::string name_, origin_;  // origin: the name and the settings, which a snapshot must share
  Protocol protocol_;
};

}  // namespace vos
