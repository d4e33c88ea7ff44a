#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <vos/core/options.hpp>
#include <vos/core/text.hpp>
#include <vos/io/files.hpp>
#include <vos/train/run_log.hpp>

namespace vos {

/// A text file of lines that grows by whole lines. What a killed process left of one is taken away when it is opened.
class LineFile {
 public:
  explicit LineFile(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code code;
    if (std::filesystem::exists(path_, code)) {
      read();
      rewrite();
    }
    open();
  }

  const std::vector<std::string>& lines() const { return lines_; }  ///< as they were when it was opened

  /// Keeps those lines that `wanted` says, of those that were added as well.
  template <class Wanted>
  void keep(const Wanted& wanted) {
    read();
    std::erase_if(lines_, [&](const std::string& line) { return !wanted(line); });
    rewrite();
    open();
  }

  void add(const std::string& line) {
    out_ << line << '\n' << std::flush;
    if (!out_) PendingFile::refuse(path_, "writing failed");
  }

 private:
  void read() {
    lines_ = split(read_text(path_, std::uintmax_t{1} << 32), '\n');
    lines_.pop_back();  // empty, or half a line
  }
  void rewrite() {
    out_.close();
    std::string text;
    for (const auto& line : lines_) text += line + "\n";
    write_file(path_, text);
  }
  void open() {
    out_.open(path_, std::ios::binary | std::ios::app);
    if (!out_) PendingFile::refuse(path_, "it cannot be opened");
  }

  std::filesystem::path path_;
  std::vector<std::string> lines_;
  std::ofstream out_;
};

/// What happened, in the run's folder, whatever else listens: `log.jsonl` with an object a line (kind: configuration, step,
/// validation, picture, message or end; time: seconds since 1970), and `steps.csv` with a row a step for spreadsheets. A
/// resumed run goes on in both, and lines of steps that are done again are taken out.
class FileLog final : public RunLog {
  using Json = nlohmann::ordered_json;

 public:
  explicit FileLog(const std::filesystem::path& run)
      : log_((make_folder(run), run / "log.jsonl")), table_(run / "steps.csv") {
    if (!table_.lines().empty()) columns_ = split(table_.lines()[0], ',');
  }

  void configuration(const std::map<std::string, std::string>& settings) override {
    tell("configuration", {{"settings", settings}});
  }

  void step(const StepReport& report) override {
    Json json{{"step", report.step},     {"epoch", report.epoch}, {"loss", report.loss},
              {"losses", report.losses}, {"lr", report.lr},       {"gradient_norm", report.gradient_norm}};
    if (report.skipped) json["skipped"] = true;
    json["seconds"] = report.seconds;
    json["waited"] = report.waited;
    tell("step", json);
    step_ = report.step;

    std::map<std::string, double> row{{"step", static_cast<double>(report.step)},
                                      {"epoch", static_cast<double>(report.epoch)},
                                      {"loss", report.loss},
                                      {"gradient_norm", report.gradient_norm},
                                      {"seconds", report.seconds},
                                      {"waited", report.waited}};
    for (const auto& [name, value] : report.losses) row[name] = value;
    for (const auto& [name, value] : report.lr) row["lr " + plain(name)] = value;
    if (columns_.empty()) {
      columns_ = {"step", "epoch", "loss"};
      for (const auto& [name, value] : report.losses) columns_.push_back(name);
      for (const auto& [name, value] : report.lr) columns_.push_back("lr " + plain(name));
      for (const auto* name : {"gradient_norm", "seconds", "waited"}) columns_.emplace_back(name);
      table_.add(join(columns_, ","));
    }
    std::vector<std::string> cells;
    for (const auto& column : columns_) {
      const auto found = row.find(column);
      cells.push_back(found != row.end() ? detail::option_text(found->second) : "");
    }
    table_.add(join(cells, ","));
  }

  void validation(const ValidationReport& report) override {
    Json json{{"step", report.step}, {"epoch", report.epoch}, {"metrics", report.metrics},
              {"main", report.main}, {"best", report.best},   {"seconds", report.seconds}};
    for (const auto& clip : report.clips) {
      Json one{{"name", clip.name}, {"metrics", clip.metrics}};
      if (!clip.picture.empty()) one["picture"] = clip.picture;
      json["clips"].push_back(std::move(one));
    }
    tell("validation", json);
  }

  /// The line alone: PictureLog, which stands before this one, keeps the picture.
  void picture(std::int64_t step, const std::string& name, const at::Tensor&) override {
    tell("picture", {{"step", step}, {"name", name}});
  }

  void message(const std::string& text) override { tell("message", {{"text", text}}); }

  void finished(const TrainOutcome& outcome) override {
    tell("end", {{"step", outcome.step}, {"end", text_of(outcome.end)}});
  }

  void failed(const std::string& why) override { tell("end", {{"step", step_}, {"end", "failed"}, {"text", why}}); }

  void resumed(std::int64_t step) override {
    step_ = step;
    log_.keep([&](const std::string& line) {
      const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      return json.is_object() && (!json.contains("step") || json["step"] <= step);
    });
    table_.keep([&](const std::string& line) {
      const auto number = number_from<double>(std::string_view{line}.substr(0, line.find(',')));
      return !number || *number <= static_cast<double>(step);  // the first row has names
    });
  }

 private:
  void tell(const char* kind, const Json& facts) {
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    Json json{{"kind", kind}, {"time", std::round(now.count() * 1000) / 1000}};
    json.update(facts);
    log_.add(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  /// A column's name: commas separate columns.
  static std::string plain(std::string name) {
    std::erase(name, ',');
    return name;
  }

  LineFile log_, table_;
  std::vector<std::string> columns_;
  std::int64_t step_ = 0;  // the last that was told
};

}  // namespace vos
