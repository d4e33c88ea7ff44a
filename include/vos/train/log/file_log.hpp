#pragma once

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
      lines_ = split(read_text(path_, std::uintmax_t{1} << 32), '\n');
      lines_.pop_back();  // empty, or half a line
      rewrite();
    }
    open();
  }

  const std::vector<std::string>& lines() const { return lines_; }  ///< as they were when it was opened

  /// Keeps those of them that `wanted` says.
  template <class Wanted>
  void keep(const Wanted& wanted) {
    std::erase_if(lines_, [&](const std::string& line) { return !wanted(line); });
    rewrite();
    open();
  }

  void add(const std::string& line) {
    out_ << line << '\n' << std::flush;
    if (!out_) PendingFile::refuse(path_, "writing failed");
  }

 private:
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

/// What happened, in the run's folder, whatever else listens: `log.jsonl` with an object a line (kind: step, validation or
/// message), and `steps.csv` with a row a step for spreadsheets. A resumed run goes on in both, and lines of steps that are
/// done again are taken out.
class FileLog final : public RunLog {
 public:
  explicit FileLog(const std::filesystem::path& run)
      : log_((make_folder(run), run / "log.jsonl")), table_(run / "steps.csv") {
    if (!table_.lines().empty()) columns_ = split(table_.lines()[0], ',');
  }

  void step(const StepReport& report) override {
    nlohmann::ordered_json json{{"kind", "step"},
                                {"step", report.step},
                                {"epoch", report.epoch},
                                {"loss", report.loss},
                                {"losses", report.losses},
                                {"lr", report.lr},
                                {"gradient_norm", report.gradient_norm}};
    if (report.skipped) json["skipped"] = true;
    json["seconds"] = report.seconds;
    json["waited"] = report.waited;
    log_.add(json.dump());

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
    log_.add(nlohmann::ordered_json{{"kind", "validation"},
                                    {"step", report.step},
                                    {"epoch", report.epoch},
                                    {"metrics", report.metrics},
                                    {"main", report.main},
                                    {"best", report.best},
                                    {"seconds", report.seconds}}
                 .dump());
  }

  void message(const std::string& text) override {
    log_.add(nlohmann::ordered_json{{"kind", "message"}, {"text", text}}.dump(
        -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }

  void resumed(std::int64_t step) override {
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
  /// A column's name: commas separate columns.
  static std::string plain(std::string name) {
    std::erase(name, ',');
    return name;
  }

  LineFile log_, table_;
  std::vector<std::string> columns_;
};

}  // namespace vos
