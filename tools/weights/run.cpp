#include "run.hpp"

#include <algorithm>

#include <vos/core/text.hpp>

#include "convert.hpp"
#include "diff.hpp"
#include "inspect.hpp"
#include "module.hpp"
#include "opened.hpp"
#include "text.hpp"

namespace vos::weights {
namespace {

/// What a conversion lost, or did not do: to be seen even where nobody wants a report.
void warn(std::ostream& err, const Converted& converted) {
  for (std::size_t i = 0; i < std::min<std::size_t>(5, converted.overflowed.size()); ++i) {
    const auto& [name, numbers] = converted.overflowed[i];
    err << "vos-weights: warning: " << printable(name) << ": " << counted(numbers, "number")
        << " became infinite, as the type has none so large" << (converted.to_f16 ? "; bf16 has\n" : "\n");
  }
  if (converted.overflowed.size() > 5)
    err << "vos-weights: warning: and in " << converted.overflowed.size() - 5 << " tensors more; --json lists them\n";
  for (const auto& name : converted.not_found)
    err << "vos-weights: warning: --strip " << printable(name) << ": nothing beside the weights has this name\n";
  for (const auto& [name, entry] : converted.inside)
    err << "vos-weights: warning: --strip " << printable(name) << ": it lies in " << printable(entry)
        << ", which goes whole or not at all: --strip " << printable(entry) << '\n';
  if (converted.cut)
    err << "vos-weights: warning: what lies beside the weights is nested too deep, or in itself, and was kept in "
           "part\n";
}

template <class ToJson, class Print>
void report(const Options& options, std::ostream& out, const ToJson& json, const Print& print) {
  if (options.common.json) out << json().dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  else if (!options.common.quiet) print();
}

int act(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  switch (options.action) {
    case Options::Action::print: out << options.text; break;
    case Options::Action::inspect: {
      const auto file = opened(options, 0);
      const auto inspected = inspect(*file, options, stop);
      report(options, out, [&] { return to_json(inspected, options); }, [&] { print(out, inspected, options); });
      break;
    }
    case Options::Action::convert: {
      expect_output(options.files[1], options.overwrite);
      const auto converted = convert(*opened(options, 0), options, stop);
      warn(err, converted);
      report(options, out, [&] { return to_json(converted); }, [&] { print(out, converted); });
      break;
    }
    case Options::Action::diff: {
      const auto a = opened(options, 0), b = opened(options, 1);
      const auto difference = diff(*a, *b, options, stop);
      report(
          options, out, [&] { return to_json(difference); }, [&] { print(out, difference, options.common.verbose); });
      return difference.same() ? exit_code::done : exit_code::error;
    }
    case Options::Action::check: {
      const auto checked = check(options);
      report(options, out, [&] { return to_json(checked); }, [&] { print(out, checked, options.common.verbose); });
      return checked.report.complete() ? exit_code::done : exit_code::error;
    }
    case Options::Action::fill: {
      const auto filled = fill(options);
      report(options, out, [&] { return to_json(filled); }, [&] { print(out, filled); });
      break;
    }
  }
  return exit_code::done;
}

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err, std::stop_token stop) {
  const auto code = act(options, out, err, stop);
  if (!out.flush())
    throw Error({.what = "the report cannot be written", .where = "standard output", .mend = "check where it goes to"});
  return code;
}

}  // namespace vos::weights
