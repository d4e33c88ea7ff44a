#include "session.hpp"

#include <chrono>
#include <exception>

#include <vos/io/files.hpp>
#include <vos/project/frame_result.hpp>
#include <vos/project/project.hpp>
#include <vos/project/session_file.hpp>

#include "common/progress.hpp"
#include "job.hpp"
#include "journal.hpp"
#include "writer.hpp"

namespace vos::infer {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// A file that a session names: as it says, or beside the session file.
std::string found(const std::string& named, const fs::path& session, const std::string& option) {
  const fs::path path{named};
  std::error_code code;
  if (named.empty() || named.starts_with("synthetic:")) return named;
  for (const auto& place :
       {path.is_absolute() ? path : session.parent_path() / path, session.parent_path() / path.filename()})
    if (fs::exists(place, code)) return place.string();
  throw Error({.what = "the session's '" + printable(named) + "' is not there",
               .where = session.string(),
               .mend = "say where it lies: " + option});
}

std::string input_of(const SessionFile& session, const Options& options) {
  if (!options.inputs.empty()) return options.inputs.front();
  const auto& input = session.source.input;
  if (input == "feed" || input.starts_with("camera:") || input.find("://") != std::string::npos)
    throw Error({.what = "the session was of a live source, whose pictures are gone",
                 .where = options.session.string(),
                 .mend = "name a recording that begins where it began: --input clip.mp4"});
  return found(input, options.session, "--input VIDEO");
}

/// The frame's result. Nothing where there is no such frame.
const ProjectFrame* made(Project& project, std::int64_t index, const std::stop_token& stop) {
  for (;;) switch (project.step(index, stop).state) {
      case ProjectStep::State::ready: return project.result(index);
      case ProjectStep::State::working: break;
      case ProjectStep::State::waiting:
      case ProjectStep::State::ended: return nullptr;
    }
}

/// A frame called "contact" would have its label map in the contact sheet's place.
void check_name(const std::string& stem, const Options& options, const SequenceReport& report) {
  if (stem == "contact" && options.writes("png") && options.writes("contact"))
    throw Error({.what = "the label map of frame 'contact' and the contact sheet would be one file",
                 .where = report.input,
                 .mend = "rename the frame, or leave png or contact out of --format"});
}

void track(Project& project, FrameSource& source, Writer& writer, SequenceReport& report, const Options& options,
           tool::MemoryTrend& memory, std::ostream& err, const std::stop_token& stop) {
  tool::Progress progress(err, options.progress, report.name, report.frames_total);
  while (!stop.stop_requested()) {
    auto frame = source.next();
    if (!frame) {
      report.complete = true;
      return;
    }
    const auto stem = source.stem(frame->index);
    check_name(stem, options, report);
    const auto begin = Clock::now();
    const auto* result = made(project, frame->index, stop);
    if (result == nullptr)
      throw Error({.what = "read a second time, the video ends before frame " + std::to_string(frame->index),
                   .where = report.input,
                   .mend = "name a file that stays as it is while it is read",
                   .exit_code = exit_code::frames_missing});
    report.push.add(seconds_since(begin));
    report.height = frame->height();
    report.width = frame->width();
    writer.write({std::move(*frame), frame_result_of(*result), stem});
    ++report.frames;
    memory.step();
    progress.step();
  }
}

}  // namespace

SequenceReport follow_session(const Options& options, tool::MemoryTrend& memory, std::ostream& err,
                              std::stop_token stop) {
  const auto text = read_text(options.session);
  const auto session = session_from_text(text, options.session.string());
  ProjectSpec spec{.input = input_of(session, options), .weights = options.model.weights};
  if (spec.weights.empty()) spec.weights = found(session.weights, options.session, "--weights FILE");
  const auto project = open_project(spec, text);
  const auto source = open_source({.input = spec.input, .max_size = session.source.max_size});

  Job job;
  job.source.input = spec.input;
  job.output = options.output;
  job.settings = {{"session", options.session.string()}, {"input", spec.input}, {"model", project->info().model}};
  check_output(job, options);
  make_folder(job.output);
  if (options.overwrite) remove_results(job.output);
  std::vector<Writer::Sink> sinks;
  for (const auto& format : options.formats)
    sinks.push_back({format, open_sink({.format = format, .directory = job.output, .source = source->info()})});
  Writer writer(std::move(sinks), Journal(job.output, job.settings, /*go_on=*/false));

  SequenceReport report{
      .name = project->info().name, .input = spec.input, .output = job.output, .frames_total = source->info().frames};
  const auto begin = Clock::now();
  std::exception_ptr error;
  try {
    track(*project, *source, writer, report, options, memory, err, stop);
  } catch (const Cancelled&) {
  } catch (...) {
    error = std::current_exception();
  }
  try {
    writer.close(report.complete);
  } catch (...) {
    report.complete = false;
    if (!error) error = std::current_exception();
  }
  report.seconds = seconds_since(begin);
  report.objects = writer.objects();
  report.outputs = writer.outputs();
  write_file(job.output / "timing.json", to_json(report, memory, job.settings).dump(2) + '\n');
  if (error) std::rethrow_exception(error);
  return report;
}

}  // namespace vos::infer
