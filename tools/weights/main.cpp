#include <iostream>

#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv) {
  return vos::tool::guarded("vos-weights", [&] {
    const auto options = vos::weights::parse({argv + 1, argv + argc});
    const vos::tool::Interrupt interrupt;
    return vos::weights::run(options, std::cout, std::cerr, interrupt.token());
  });
}
