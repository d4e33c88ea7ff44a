#include <iostream>

#include <unistd.h>

#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv) {
  return vos::tool::guarded("vos-data", [&] {
    auto options = vos::data::parse({argv + 1, argv + argc});
    options.progress = isatty(STDERR_FILENO) != 0 && !options.common.quiet;
    const vos::tool::Interrupt interrupt;
    return vos::data::run(options, std::cout, std::cerr, interrupt.token());
  });
}
