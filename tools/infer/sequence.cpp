#include "sequence.hpp"

#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <optional>

#include <ATen/ops/equal.h>

#include <vos/io/files.hpp>

#include "common/progress.hpp"
#include "journal.hpp"
#include "labels.hpp"
#include "prompts.hpp"
#include "writer.hpp"

namespace vos::infer {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::vector<Writer::Sink> open_sinks(const Job& job, const Options& options, const SourceInfo& info) {
  std::vector<std::int64_t> categories;
  if (job.catalog)
    for (const auto& category : job.catalog->categories) categories.push_back(category.id);
  std::vector<Writer::Sink> sinks;
  for (const auto& format : options.formats)
    sinks.push_back({format, open_sink({.format = format,
                                        .directory = job.output,
                                        .source = info,
                                        .video_id = job.number,
                                        .categories = categories})});
  return sinks;
}

/// The steps of one input's run, and what they share.
class Sequence {
 public:
  Sequence(const Job& job, const Options& options, AnySegmenter& segmenter, bool needs_prompt, std::optional<Past> past,
           tool::MemoryTrend& memory, std::ostream& err)
      : options_(options),
        segmenter_(segmenter),
        needs_prompt_(needs_prompt),
        memory_(memory),
        err_(err),
        source_(open_source(job.source)),
        past_(std::move(past)) {
    const auto& info = source_->info();
    if (past_ && info.live)
      throw Error({.what = "a live input cannot be continued: its frames are gone",
                   .where = job.source.input,
                   .mend = "begin anew with --overwrite",
                   .exit_code = exit_code::usage});
    has_truth_ = needs_prompt && source_->truth(job.source.frames.begin).defined();
    if (job.video != nullptr && needs_prompt) catalogued_.emplace(job);
    else if (!job.masks.empty()) masks_.emplace(job, *source_);
    else if (needs_prompt && !has_truth_)
      throw Error({.what = "model '" + options.model.model + "' has to be told what to track",
                   .where = job.source.input,
                   .mend = "add --masks with a label map for the first frame, or a folder of them",
                   .exit_code = exit_code::usage});
    if (past_) replay_.emplace(job.output);
    report_ = {.name = job.video != nullptr ? job.video->name : info.name,
               .input = job.source.input,
               .output = job.output,
               .frames_kept = past_ ? past_->frames : 0,
               .frames_total = info.frames};
    segmenter_.reset();
    make_folder(job.output);
    if (options.overwrite) remove_results(job.output);
    // All that a user can mend before the first frame has been checked: only now does a file appear.
    writer_ =
        std::make_unique<Writer>(open_sinks(job, options, info), Journal(job.output, job.settings, past_.has_value()));
  }

  /// Fills the report whatever happens; an error that ended the run is left in `error`.
  SequenceReport run(const std::stop_token& stop, std::exception_ptr& error) {
    const auto begin = Clock::now();
    try {
      track(stop);
    } catch (const Cancelled&) {  // a late model, stopped while it owed results
    } catch (...) {
      error = std::current_exception();
    }
    report_.complete = followed_to_the_end_ && !error;
    try {
      writer_->close(report_.complete);
    } catch (...) {
      report_.complete = false;
      if (!error) error = std::current_exception();  // else the first one is the cause
    }
    report_.seconds = seconds_since(begin);
    report_.objects = writer_->objects();
    report_.j = writer_->score().means();
    report_.outputs = writer_->outputs();
    if (masks_) report_.unused_masks = masks_->unused();
    return report_;
  }

 private:
  void track(const std::stop_token& stop) {
    tool::Progress progress(err_, options_.progress, report_.name, report_.frames_total);
    while (!stop.stop_requested()) {
      const auto frame = source_->next();
      if (!frame) {
        answer(segmenter_.finish({.stop = stop}));
        followed_to_the_end_ = true;
        return;
      }
      check_name(source_->stem(frame->index));
      report_.height = frame->height();
      report_.width = frame->width();
      newest_ = frame->index;
      if (has_truth_) truth_ = source_->truth(newest_);
      if (is_kept(frame->index)) keep(*frame);
      else push(*frame, given_labels(*frame));
      memory_.step();
      progress.step();
    }
  }

  /// A frame called "contact" would have its label map in the contact sheet's place.
  void check_name(const std::string& stem) const {
    if (stem == "contact" && options_.writes("png") && options_.writes("contact"))
      throw Error({.what = "the label map of frame 'contact' and the contact sheet would be one file",
                   .where = report_.input,
                   .mend = "rename the frame, or leave png or contact out of --format"});
  }

  /// The objects that are named in this frame, undefined for none.
  at::Tensor given_labels(const Frame& frame) {
    if (catalogued_) return catalogued_->take(frame, source_->stem(frame.index));
    if (masks_) return masks_->take(frame, source_->stem(frame.index));
    if (has_truth_) return entering_.take(truth_);
    return {};
  }

  void push(const Frame& frame, const at::Tensor& labels) {
    if (labels.defined()) {
      segmenter_.prompt(frame, labels);
      if (options_.common.verbose) tell_prompt(frame, labels);
    }
    hold(frame);
    const auto begin = Clock::now();
    auto results = segmenter_.push(frame);
    if (!is_kept(frame.index)) report_.push.add(seconds_since(begin));
    answer(std::move(results));
  }

  /// A frame that an earlier run has answered. Its result goes to the sinks that hold a whole video in one file.
  void keep(const Frame& frame) {
    const auto labels = given_labels(frame);
    kept_ = replay_->result(frame);
    // Objects that nobody named cannot be named again from their masks: such a model has to find them once more.
    if (options_.resume == "exact" || !needs_prompt_) push(frame, labels);
    else if (kept_) show_masks(frame, labels);
    if (kept_) writer_->write({frame, std::move(*kept_), source_->stem(frame.index), truth_, /*kept=*/true});
    kept_.reset();
  }

  /// Shows the model a frame again where the user named objects in it, or where its masks are the last that are known of
  /// an object.
  void show_masks(const Frame& frame, const at::Tensor& labels) {
    std::set<ObjectId> last_seen_here;
    for (const auto& object : kept_->objects) {
      entering_.know(object.id);
      if (past_->last_seen.at(object.id) == frame.index) last_seen_here.insert(object.id);
    }
    if (labels.defined()) segmenter_.prompt(frame, labels);
    if (!last_seen_here.empty()) segmenter_.prompt(frame, only(kept_->labels, last_seen_here));
    if (labels.defined() || !last_seen_here.empty()) segmenter_.push(frame);
  }

  void tell_prompt(const Frame& frame, const at::Tensor& labels) {
    err_ << report_.name << ", frame " << source_->stem(frame.index) << ": masks of";
    for (const auto& [id, extent] : label_extents(labels)) err_ << ' ' << id;
    err_ << '\n';
  }

  /// Keeps a frame's picture until its result is there: one push with an online model.
  void hold(const Frame& frame) {
    if (writer_->needs_picture()) waiting_.emplace(frame.index, frame);
  }

  void answer(Results results) {
    for (auto& result : results) {
      const auto index = result.index;
      Frame frame{.index = index, .seconds = result.seconds};
      if (const auto held = waiting_.find(index); held != waiting_.end()) frame = held->second;
      waiting_.erase(waiting_.begin(), waiting_.upper_bound(index));
      if (is_kept(index)) {  // written by the earlier run
        compare(result);
        continue;
      }
      const auto truth = !has_truth_ ? at::Tensor{} : index == newest_ ? truth_ : source_->truth(index);
      writer_->write({std::move(frame), std::move(result), source_->stem(index), truth});
      ++report_.frames;
    }
  }

  bool is_kept(std::int64_t index) const { return past_ && index <= past_->last; }

  /// Another build or machine may round otherwise: then the two parts of the result do not fit together exactly.
  void compare(const FrameResult& again) {
    if (differs_ || !kept_ || kept_->index != again.index || at::equal(kept_->labels, again.labels)) return;
    differs_ = true;
    err_ << "vos-infer: warning: frame " << source_->stem(again.index) << " of '" << report_.input
         << "' comes out otherwise than in the interrupted run, whose results are kept up to where it stopped; "
            "--overwrite "
            "begins anew\n";
  }

  const Options& options_;
  AnySegmenter& segmenter_;
  bool needs_prompt_;
  tool::MemoryTrend& memory_;
  std::ostream& err_;

  std::unique_ptr<FrameSource> source_;
  std::optional<Past> past_;
  std::optional<Replay> replay_;
  std::optional<FrameResult> kept_;  // of the frame in work
  bool differs_ = false;
  std::optional<MaskFiles> masks_;
  std::optional<CatalogPrompts> catalogued_;
  TruthPrompts entering_;
  bool has_truth_ = false, followed_to_the_end_ = false;
  std::int64_t newest_ = -1;
  at::Tensor truth_;  // of the newest frame
  std::map<std::int64_t, Frame> waiting_;
  SequenceReport report_;
  std::unique_ptr<Writer> writer_;  // last: its thread, which asks the source for the truth, ends first
};

void write_timing(const SequenceReport& report, const tool::MemoryTrend& memory, const Job& job) {
  const auto text = to_json(report, memory, job.settings).dump(2) + '\n';
  write_file(job.output / "timing.json", text);
}

void warn(std::ostream& err, const SequenceReport& report, bool needs_prompt) {
  if (!report.complete) return;
  if (!report.unused_masks.empty())
    err << "vos-infer: warning: no frame of '" << report.input
        << "' was taken for these masks: " << join(report.unused_masks, ", ") << '\n';
  if (needs_prompt && report.objects.empty())
    err << "vos-infer: warning: the masks of '" << report.input << "' name no object\n";
}

/// Of a sequence that an earlier run has followed to its end.
SequenceReport already_complete(const Job& job, const Past& past) {
  SequenceReport report{.name = fs::absolute(job.output).filename().string(),
                        .input = job.source.input,
                        .output = job.output,
                        .complete = true,
                        .frames_kept = past.frames,
                        .frames_total = past.frames};
  for (const auto& [id, seen] : past.last_seen) report.objects.insert(id);
  return report;
}

}  // namespace

SequenceReport follow(const Job& job, const Options& options, AnySegmenter& segmenter, bool needs_prompt,
                      tool::MemoryTrend& memory, std::ostream& err, std::stop_token stop) {
  std::optional<Past> past;
  if (!options.resume.empty() && fs::exists(job.output) && !fs::is_empty(job.output)) {
    past = read_past(job.output);
    if (past->complete) return already_complete(job, *past);
    fs::resize_file(job.output / "frames.jsonl", past->bytes);  // without a line that was cut off
  }

  std::exception_ptr error;
  Sequence sequence(job, options, segmenter, needs_prompt, past, memory, err);
  auto report = sequence.run(stop, error);
  if (error && report.frames == 0 &&
      !past) {  // nothing was tracked: leave no trace that a second try would stumble over
    remove_results(job.output);
    std::error_code not_empty;
    fs::remove(job.output, not_empty);
    std::rethrow_exception(error);
  }
  write_timing(report, memory, job);
  if (error) {
    if (!options.common.quiet)
      err << "vos-infer: " << report.frames + report.frames_kept << " frames of '" << job.source.input
          << "' were tracked; their results are complete in " << job.output.string()
          << ", and --continue goes on behind them\n";
    std::rethrow_exception(error);
  }
  warn(err, report, needs_prompt);
  return report;
}

}  // namespace vos::infer
