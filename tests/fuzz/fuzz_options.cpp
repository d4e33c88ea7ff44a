// key=value text into an options struct: every refusal is an Error, every accepted value survives being written out.
#include <vos/core/options.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {
struct Options {
  bool flag = false;
  int whole = 3;
  double real = 0.5;
  std::string text = "x";
  void visit(auto&& field) {
    field("flag", flag, "a switch");
    field("whole", whole, "a whole number");
    field("real", real, "a number");
    field("text", text, "text");
  }
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto equals = text.find('=');
  Options options;
  try {
    vos::set_option(options, text.substr(0, equals), equals == text.npos ? "" : text.substr(equals + 1));
  } catch (const vos::Error&) {
    return 0;
  }
  Options again;
  for (const auto& info : vos::describe_options(options)) vos::set_option(again, info.key, info.value);
  if (again.whole != options.whole || again.text != options.text || again.flag != options.flag) std::abort();
  return 0;
}
