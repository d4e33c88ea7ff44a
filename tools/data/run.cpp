#include "run.hpp"

#include "check.hpp"
#include "preview.hpp"

namespace vos::data {

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  if (options.action == Options::Action::print) {
    out << options.text;
    return exit_code::done;
  }
  if (options.action == Options::Action::preview) prepare(options);  // before minutes of work
  const auto checked = check(options, err, stop);
  if (options.common.json)
    out << to_json(checked).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  else if (!options.common.quiet && options.action == Options::Action::check)
    print(out, checked, options.common.verbose);
  if (options.action == Options::Action::preview) {
    const auto page = preview(options, checked, stop);
    if (!options.common.quiet && !options.common.json)
      out << verdict(checked.report) << "\n  " << page.string() << "    open it in a browser\n";
  }
  if (!out.flush())
    throw Error({.what = "the report cannot be written", .where = "standard output", .mend = "check where it goes to"});
  if (stop.stop_requested()) return exit_code::interrupted;
  return exit_code_of(checked, options.strict);
}

}  // namespace vos::data
