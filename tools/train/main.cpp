#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include <vos/core/keep_memory.hpp>

#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "options.hpp"
#include "report.hpp"
#include "run.hpp"
#include "send.hpp"

int main(int argc, char** argv) {
  vos::keep_freed_memory();
  return vos::tool::guarded("vos-train", [&] {
    const std::vector<std::string> words{argv + 1, argv + argc};
    if (vos::train::is_report_command(words)) return vos::train::report_command(words, std::cout);
    if (vos::train::is_send_command(words)) return vos::train::send_command(words, std::cout);
    auto options = vos::train::parse(words);
    options.live = isatty(STDERR_FILENO) != 0;
    const vos::tool::Interrupt interrupt;
    return vos::train::run(options, std::cout, std::cerr, interrupt.token());
  });
}
