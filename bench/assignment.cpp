/// The assignment solver, for bench/assignment.py: reads square cost matrices and tells microseconds a call.
///
///   assignment FILE      int64 count, then for each: int64 rows, int64 columns, rows*columns doubles

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <vector>

#include <vos/core/assignment.hpp>

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: assignment FILE\n"), 2;
  std::ifstream file(argv[1], std::ios::binary);
  const auto number = [&] {
    std::int64_t value = 0;
    file.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  };
  for (auto left = number(); left > 0; --left) {
    const auto rows = number(), columns = number();
    std::vector<double> cost(static_cast<std::size_t>(rows * columns));
    file.read(reinterpret_cast<char*>(cost.data()), static_cast<std::streamsize>(cost.size() * sizeof(double)));
    double total = 0, best = 1e300, spent = 0;
    for (int round = 0; round < 5 || spent < 0.3; ++round) {  // the best of many short rounds
      const int calls = std::max(1, static_cast<int>(100000 / (rows * columns)));
      const auto start = std::chrono::steady_clock::now();
      for (int call = 0; call < calls; ++call) {
        const auto column_of = vos::cheapest_assignment(cost, rows, columns);
        total = 0;
        for (std::int64_t i = 0; i < rows; ++i)
          if (column_of[static_cast<std::size_t>(i)] >= 0)
            total += cost[static_cast<std::size_t>(i * columns + column_of[static_cast<std::size_t>(i)])];
      }
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      spent += seconds;
      best = std::min(best, seconds / calls);
    }
    std::printf("%.17g %.17g\n", best * 1e6, total);
  }
}
