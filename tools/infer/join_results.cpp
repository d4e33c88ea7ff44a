#include "join_results.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <vos/error.hpp>
#include <vos/io/files.hpp>

namespace vos::infer {

std::filesystem::path joined_results_file(const std::vector<Job>& jobs, const Options& options) {
  const bool numbered = std::all_of(jobs.begin(), jobs.end(),
                                    [](const Job& job) { return job.video != nullptr && job.video->number > 0; });
  if (jobs.empty() || !numbered || !options.writes("rle")) return {};
  auto file = options.output / "results.json";
  if (!std::filesystem::exists(file)) return file;
  if (!options.overwrite && options.resume.empty())
    throw Error({.what = "there are results of an earlier run",
                 .where = file.string(),
                 .mend = "name another --output, or add --overwrite to replace them"});
  std::filesystem::remove(file);
  return file;
}

void join_results(const std::vector<Job>& jobs, const std::filesystem::path& file) {
  std::string text = "[";
  for (const auto& job : jobs) {
    const auto bytes = read_file(job.output / "results.json");
    std::string_view list{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    // What lies between the brackets that RleSink has written; nothing is parsed.
    const auto begin = list.find('{'), end = list.rfind('}');
    if (begin == std::string_view::npos) continue;  // nothing was found
    text += text.size() > 1 ? ",\n" : "\n";
    text += list.substr(begin, end + 1 - begin);
  }
  write_file(file, text + "\n]\n");
}

}  // namespace vos::infer
