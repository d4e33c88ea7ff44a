#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <vos/serve/session_edits.hpp>

namespace vos::serve {

/// The part of a session that writes files: what people fetch, and recordings.
class SessionExports : public SessionEdits {
 public:
  using SessionEdits::SessionEdits;

 protected:
  static constexpr std::size_t most_beside = 8;

  void export_results(const Asked& asked, const wire::Export& wanted) {
    ExportSpec spec{
        .first = wanted.first(), .last = wanted.last(), .objects = objects_from(wanted.objects(), "Export.objects")};
    switch (wanted.kind()) {
      case wire::ExportKind::png_zip: spec.kind = ExportSpec::Kind::png_zip; break;
      case wire::ExportKind::rle_json: spec.kind = ExportSpec::Kind::rle_json; break;
      case wire::ExportKind::overlay_mp4: spec.kind = ExportSpec::Kind::overlay_mp4; break;
      case wire::ExportKind::session: spec.kind = ExportSpec::Kind::session; break;
      default:
        refuse("an export of kind " + std::to_string(static_cast<int>(wanted.kind())), "Export.kind",
               "0 to 3 are known");
    }
    spec.folder = folder_.exports();
    expect_hands();
    if (spec.kind == ExportSpec::Kind::session) return write_export(asked, spec);
    frame_from(spec.first, info_, "Export.first");
    if (spec.last >= 0) frame_from(spec.last, info_, "Export.last");
    if (spec.last >= 0 && spec.last < spec.first)
      refuse("an export that ends before it begins", "Export.last", "-1 is the end");
    if (info_.live) return write_export(asked, spec);
    auto goal = std::make_shared<Goal>(Goal{.asked = asked,
                                            .at = spec.first,
                                            .last = spec.last < 0 ? info_.frames - 1 : spec.last,
                                            .first = spec.first,
                                            .shows = false,
                                            .task = "export"});
    goal->done = [this, asked, spec] {
      try {
        write_export(asked, spec);
      } catch (const Error& error) {
        asked.refuse(error);
      }
    };
    add_goal(long_, std::move(goal));
  }

  void expect_hands() const {
    if (beside_.size() >= most_beside)
      refuse("too much was asked for at once", "the session", "wait for an answer first", "busy");
  }

  void write_export(const Asked& asked, const ExportSpec& spec) {
    expect_hands();
    queue_edit([this, asked, spec] {  // in the order of edits: what was asked for before is in it
      editing_ = false;
      run(
          [spec](Project& project) {
            make_folder(spec.folder);
            return project.exporting(spec);
          },
          [this, asked](Outcome<Beside<std::filesystem::path>> outcome) {
            if (outcome.thrown) return asked.refuse(outcome.thrown);
            run_beside<std::filesystem::path>(asked, false, std::move(*outcome.value),
                                              [this, asked](Outcome<std::filesystem::path> written) {
                                                if (written.thrown) return asked.refuse(written.thrown);
                                                offer(asked, *written.value);
                                              });
          });
    });
  }

  /// Tells where the file can be fetched; the oldest of many makes room.
  void offer(const Asked& asked, const std::filesystem::path& file) {
    const auto name = file.filename().string();
    std::erase(offered_, name);
    offered_.push_back(name);
    std::error_code ignored;
    while (offered_.size() > place_.options.most_exports) {
      std::filesystem::remove(folder_.exports() / offered_.front(), ignored);
      offered_.pop_front();
    }
    wire::AnswerT answer;
    answer.address = "/api/sessions/" + record_.id + "/exports/" + name;
    answer.bytes = std::filesystem::file_size(file, ignored);
    asked.answer(std::move(answer));
  }

  /// What is known of the video is left in the folder for recordings, whatever a viewer asked for.
  void record_results(std::function<void()> then) {
    const auto root = place_.options.record / (record_.id + "-" + std::filesystem::path{info_.name}.stem().string());
    desk_.run(
        [root](auto& project) {
          std::vector<Beside<std::filesystem::path>> files;
          for (const auto& [first, end] : project->ready())
            for (const auto kind : {ExportSpec::Kind::png_zip, ExportSpec::Kind::rle_json, ExportSpec::Kind::session}) {
              const auto folder = root / (std::to_string(first) + "-" + std::to_string(end - 1));
              make_folder(folder);
              files.push_back(project->exporting({.kind = kind, .first = first, .last = end - 1, .folder = folder}));
            }
          return files;
        },
        [this, self = shared_from_this(),
         then = std::move(then)](Outcome<std::vector<Beside<std::filesystem::path>>> outcome) {
          if (outcome.thrown) log_failure("a recording could not be written", outcome.thrown);
          if (!outcome.value || outcome.value->empty()) return then();
          desk_.beside<int>(
              [files = std::move(*outcome.value)](std::stop_token stop) {
                for (const auto& write : files) write(stop);
                return 0;
              },
              {},
              [this, self, then](Outcome<int> written) {
                if (written.thrown) log_failure("a recording could not be written", written.thrown);
                then();
              });
        });
  }

 private:
  std::deque<std::string> offered_;
};

}  // namespace vos::serve
