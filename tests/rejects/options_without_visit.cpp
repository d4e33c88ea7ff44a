// expects: DescribedOptions|constraints not satisfied
#include <vos/core/options.hpp>

struct Named {
  double band = 10;
  void visit(auto&& field) { field("band", band, "half width of the repair band, pixels"); }
};
struct Unnamed {
  double band = 10;
};

auto good = vos::describe_options<Named>();
auto bad = vos::describe_options<Unnamed>();  // reject
