#include <iostream>

#include "common/program.hpp"
#include "options.hpp"
#include "run.hpp"

int main(int argc, char** argv) {
  return vos::tool::guarded(
      "vos-serve", [&] { return vos::serve::run(vos::serve::parse({argv + 1, argv + argc}), std::cout, std::cerr); });
}
