#include <iostream>

#include <unistd.h>

#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv) {
  return vos::tool::guarded("vos-train", [&] {
    auto options = vos::train::parse({argv + 1, argv + argc});
    options.live = isatty(STDERR_FILENO) != 0;
    const vos::tool::Interrupt interrupt;
    return vos::train::run(options, std::cout, std::cerr, interrupt.token());
  });
}
