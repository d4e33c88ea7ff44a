#include "run.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include <vos/io/files.hpp>

#include "davis.hpp"
#include "generic.hpp"
#include "html.hpp"
#include "identity.hpp"
#include "lvos.hpp"
#include "mosev2.hpp"
#include "pack.hpp"
#include "pictures.hpp"
#include "report.hpp"
#include "vis.hpp"
#include "ytvos.hpp"

namespace vos::eval {
namespace {

nlohmann::json evaluate(const Options& options, std::ostream& err, std::stop_token stop) {
  const std::map<std::string, decltype(&evaluate_davis)> evaluators{
      {"davis", evaluate_davis}, {"ytvos", evaluate_ytvos}, {"generic", evaluate_generic},  {"mosev2", evaluate_mosev2},
      {"lvos", evaluate_lvos},   {"vis", evaluate_vis},     {"identity", evaluate_identity}};
  return evaluators.at(options.command)(options, err, std::move(stop));
}

void write_text(const std::filesystem::path& path, const std::string& text) { write_file(path, text); }

/// Before hours of measuring: is there a folder to write the report into?
void expect_folder_of(const std::filesystem::path& file) {
  const auto folder = file.parent_path();
  if (folder.empty() || std::filesystem::is_directory(folder)) return;
  throw Error({.what = "there is no folder to write the report into",
               .where = folder.string(),
               .mend = "create it, or name a file in a folder that is there"});
}

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  if (options.action == Options::Action::print) {
    out << options.text;
    return exit_code::done;
  }
  if (options.command == "pack") return run_pack(options, out, std::move(stop));

  for (const auto& file : {std::filesystem::path{options.common.json_file}, options.csv, options.html})
    expect_folder_of(file);
  const auto report = evaluate(options, err, std::move(stop));
  // A sequence's name is whatever a folder is called: what is no UTF-8 is replaced.
  const auto json = [&] { return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"; };
  if (options.common.json) out << json();
  else if (!options.common.quiet) print(out, report, options.common.verbose);
  if (!out.flush())
    throw Error({.what = "the report cannot be written", .where = "standard output", .mend = "check where it goes to"});
  // The numbers are out, whatever happens to the files.
  if (!options.common.json_file.empty()) write_text(options.common.json_file, json());
  if (!options.csv.empty()) write_csv(options, report);
  if (!options.html.empty()) write_text(options.html, html_report(report, pictures_of(report)));
  return exit_code::done;
}

}  // namespace vos::eval
