// Kernels: compiled for real GPUs without one, and run by this machine's processor against the plain form.
#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include <sys/mman.h>

#include <torch/csrc/autograd/autograd.h>

#include <vos/core/random.hpp>
#include <vos/nn/deformable/cuda.hpp>
#include <vos/nn/deformable/sampling_aten.hpp>

#include "figures.hpp"
#include "host_kernel.hpp"

using namespace vos;

namespace {

constexpr const char* no_nvrtc = "no NVRTC here: set VOS_NVRTC to its folder";
constexpr const char* no_compiler = "no C++ compiler here that takes kernels: set CXX";
const KernelCache nothing_kept{""};

// [kernel]
/// FACTOR times each number.
constexpr std::string_view scale_source = R"cuda(
extern "C" __global__ void scale(const float* in, float* out, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) out[i] = FACTOR * in[i];
}
)cuda";
const Kernel twice{.name = "scale", .source = scale_source, .options = "-DFACTOR=2"};
// [kernel]

/// The sum over a block's threads, by way of their groups; and a group that one thread does not reach.
constexpr std::string_view together_source = R"cuda(
extern "C" __global__ void sum_of_block(const float* in, float* out) {
  __shared__ float of_warp[8];
  const float sum = group_sum<32>(in[threadIdx.x]);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < 8) {
    const float all = group_sum<8>(of_warp[threadIdx.x]);
    if (threadIdx.x == 0) *out = all;
  }
}
extern "C" __global__ void late(float* out) {
  if (threadIdx.x % 32 != 5) *out = group_sum<32>(1.0f);
}
)cuda";

/// A case of deformable sampling: tensors of known numbers, in double.
struct Sampling {
  std::vector<GridSize> levels;
  at::Tensor values, locations, weights, grad;

  Sampling(std::vector<GridSize> sizes, std::int64_t n, std::int64_t q, std::int64_t heads, std::int64_t channels,
           std::int64_t points)
      : levels(std::move(sizes)) {
    const auto l = static_cast<std::int64_t>(levels.size());
    const auto of = [](const char* name, at::IntArrayRef shape) { return test::named(name, shape, 1).to(at::kDouble); };
    values = of("values", {n, tokens_of(levels), heads, channels});
    // From 0.3 maps left of the map to 0.3 right of it: some points are outside, some half so.
    locations = 0.5 + 0.8 * of("locations", {n, q, heads, l, points, 2});
    weights = of("weights", {n, q, heads, l, points});
    grad = of("grad", {n, q, heads * channels});
  }

  /// The same numbers as far as `type` has them; locations and weights in what is computed with.
  Sampling in(at::ScalarType type) const {
    auto other = *this;
    const auto real = vos::detail::real_of(type);
    other.values = values.to(type), other.locations = locations.to(real), other.weights = weights.to(real);
    other.grad = grad.to(real);
    return other;
  }
};

struct Sampled {
  at::Tensor output;
  vos::detail::DeformableGradients gradients;
};

Sampled plain(const Sampling& given) {
  const auto leaf = [](const at::Tensor& tensor) { return tensor.to(at::kDouble).requires_grad_(); };
  const auto values = leaf(given.values), locations = leaf(given.locations), weights = leaf(given.weights);
  const auto output = deformable_sampling_aten(values, given.levels, locations, weights);
  output.backward(given.grad.to(at::kDouble));
  return {output.detach(), {values.grad(), locations.grad(), weights.grad()}};
}

/// Runs what would be launched. `rows` is how many samples a grid may have side by side.
void on_host(vos::detail::DeformableLaunch launch, std::uint32_t rows) {
  static std::map<std::string, std::optional<test::HostKernel>> compiled;
  const auto [entry, fresh] = compiled.try_emplace(launch.kernel.name + launch.kernel.options);
  if (fresh) entry->second = test::HostKernel::compile(launch.kernel);
  const auto& kernel = entry->second;
  REQUIRE(kernel);
  launch.grid.y = std::min(launch.grid.y, rows);
  void* arguments[] = {&launch.job};
  CHECK(kernel->run(launch.grid, launch.block, arguments) == "");
}

Sampled by_kernels(const Sampling& given, std::uint32_t rows = 65535) {
  const auto real = given.locations.options();
  Sampled result{at::full(given.grad.sizes(), 7, given.values.options()),  // every number must be written over
                 {at::zeros(given.values.sizes(), real), at::full(given.locations.sizes(), 7, real),
                  at::full(given.weights.sizes(), 7, real)}};
  on_host(vos::detail::deformable_forward(given.values, given.levels, given.locations, given.weights, result.output),
          rows);
  on_host(vos::detail::deformable_backward(given.values, given.levels, given.locations, given.weights, given.grad,
                                           result.gradients),
          rows);
  return result;
}

/// The largest difference over the largest number.
double apart(const at::Tensor& found, const at::Tensor& expected) {
  REQUIRE(found.sizes() == expected.sizes());
  return test::largest(found.to(at::kDouble) - expected) / std::max(test::largest(expected), 1e-30);
}

void check_close(const Sampled& found, const Sampled& expected, double value, double gradient) {
  CHECK(apart(found.output, expected.output) < value);
  CHECK(apart(found.gradients.values, expected.gradients.values) < gradient);
  CHECK(apart(found.gradients.locations, expected.gradients.locations) < gradient);
  CHECK(apart(found.gradients.weights, expected.gradients.weights) < gradient);
}

bool host_compiles() { return test::HostKernel::compile(twice).has_value(); }

/// A driver that loads nothing and runs kernels on the host, or counts.
struct FakeDriver {
  static inline std::atomic<int> loads = 0, launches = 0;
  static inline std::function<int(void**, unsigned, unsigned)> launched;

  static CudaDriver make() {
    loads = 0, launches = 0, launched = {};
    CudaDriver driver;
    driver.device_get = [](int* device, int ordinal) { return *device = ordinal, ordinal < 2 ? 0 : 101; };
    driver.device_get_attribute = [](int* value, int attribute, int) {
      return *value = attribute == CudaDriver::compute_capability_major ? 9 : 0, 0;
    };
    driver.primary_context_retain = [](void** context, int) { return *context = &loads, 0; };
    driver.context_set_current = [](void* context) { return context == &loads ? 0 : 201; };
    driver.module_load_data = [](void** module, const void* image) {
      ++loads;
      *module = const_cast<void*>(image);
      return std::string_view{static_cast<const char*>(image), 4} ==
                     "\x7f"
                     "ELF"
                 ? 0
                 : 200;
    };
    driver.module_get_function = [](void** function, void* module, const char*) { return *function = module, 0; };
    driver.function_set_attribute = [](void*, int attribute, int) {
      return attribute == CudaDriver::max_dynamic_shared_bytes ? 1 : 0;  // as where that much is not to be had
    };
    driver.launch_kernel = [](void*, unsigned x, unsigned, unsigned, unsigned threads, unsigned, unsigned, unsigned,
                              void*, void** arguments, void**) {
      ++launches;
      return launched ? launched(arguments, x, threads) : 0;
    };
    driver.get_error_string = [](int code, const char** text) {
      return *text = code == 101 ? "invalid device ordinal" : "invalid value", 0;
    };
    return driver;
  }
};

}  // namespace

TEST_SUITE("kernels") {
  TEST_CASE("what is compiled for real GPUs has the kernel in it, and keeps its numbers in registers") {
    if (Nvrtc::find() == nullptr) return test::skip(no_nvrtc);
    const auto check = [](vos::detail::DeformableLaunch launch, const std::string& architecture) {
      CAPTURE(launch.kernel.name + " " + launch.kernel.options + " " + architecture);
      launch.kernel.options += " --ptxas-options=-v";
      const auto cubin = compile_kernel(launch.kernel, architecture, nothing_kept);
      const std::string text{cubin.bytes.begin(), cubin.bytes.end()};
      CHECK(
          text.starts_with("\x7f"
                           "ELF"));
      CHECK(text.find(".text." + launch.kernel.name) != text.npos);
      CAPTURE(cubin.log);
      CHECK(cubin.log.find("Function properties for " + launch.kernel.name) != cubin.log.npos);
      CHECK(cubin.log.find(" 0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads") != cubin.log.npos);
      CHECK(cubin.log.find("warning") == cubin.log.npos);
    };
    // Mask2Former's size in every type for one GPU, and an everyday one for the others.
    const Sampling given({{6, 8}, {3, 4}, {2, 2}}, 1, 5, 8, 32, 4);
    for (const auto* architecture : {"sm_80", "sm_90", "sm_100"})
      for (const auto type : {at::kFloat, at::kBFloat16, at::kHalf, at::kDouble}) {
        if (type != at::kBFloat16 && std::string_view{architecture} != "sm_90") continue;
        const auto typed = given.in(type);
        auto output = at::empty(typed.grad.sizes(), typed.values.options());
        vos::detail::DeformableGradients gradients{at::empty({1}), at::empty({1}), at::empty({1})};
        check(vos::detail::deformable_forward(typed.values, typed.levels, typed.locations, typed.weights, output),
              architecture);
        check(vos::detail::deformable_backward(typed.values, typed.levels, typed.locations, typed.weights, typed.grad,
                                               gradients),
              architecture);
      }
  }

  TEST_CASE("the kernels of deformable sampling agree with the plain form in value and gradient") {
    if (!host_compiles()) return test::skip(no_compiler);
    const std::vector<GridSize> levels{{6, 8}, {3, 4}, {1, 1}};
    for (const auto channels : {1, 6, 40}) {  // packs of one and of two, groups with idle threads, several rounds
      CAPTURE(channels);
      const Sampling given(levels, 2, 9, 2, channels, 3);
      check_close(by_kernels(given), plain(given), 1e-13, 1e-13);  // sums of some tens of terms in double
    }
    // Where the numbers do not lie at a multiple of 16 bytes.
    Sampling shifted(levels, 1, 9, 2, 40, 3);
    shifted.values =
        at::cat({at::zeros({1}, at::kDouble), shifted.values.flatten()}).slice(0, 1).view(shifted.values.sizes());
    check_close(by_kernels(shifted), plain(shifted), 1e-13, 1e-13);
    const Sampling many(levels, 3, 20, 3, 32, 2);                                          // several blocks
    check_close(by_kernels(many.in(at::kFloat)), plain(many.in(at::kFloat)), 1e-6, 4e-6);  // float32 has 6e-8
    check_close(by_kernels(many, 2), plain(many), 1e-13, 1e-13);  // a grid that is too low for the batch
  }

  TEST_CASE("values of 16 bits are computed with in float") {
    if (!host_compiles()) return test::skip(no_compiler);
    for (const auto& [type, rounding] : {std::pair{at::kHalf, 0x1p-11}, {at::kBFloat16, 0x1p-8}}) {
      CAPTURE(at::toString(type));
      const auto given = Sampling({{5, 7}, {2, 3}}, 2, 6, 2, 16, 2).in(type);
      check_close(by_kernels(given), plain(given), rounding, 4e-6);  // only the result is rounded to so few bits
    }
  }

  TEST_CASE("every number of 16 bits is converted as LibTorch does it") {
    const Kernel kernel{.name = "convert", .source = R"cuda(
extern "C" __global__ void convert(const TYPE* in, float* wide, const float* from, TYPE* narrow) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  wide[i] = in[i];
  narrow[i] = from[i];
}
)cuda"};
    const auto every = at::arange(-32768, 32768, at::kInt).to(at::kShort);
    for (const auto type : {at::kHalf, at::kBFloat16}) {
      CAPTURE(at::toString(type));
      auto typed = kernel;
      typed.options = "-DTYPE=" + vos::detail::kernel_type(type);
      const auto host = test::HostKernel::compile(typed);
      if (!host) return test::skip(no_compiler);
      const auto in = every.view(type);
      // Between two neighbours, at the middle and beside it; beyond the largest; and numbers of all sizes.
      auto from =
          in.to(at::kFloat).roll(1).nan_to_num(1, 3e38, -3e38).add(in.to(at::kFloat).nan_to_num(1, 3e38, -3e38)).div(2);
      from.slice(0, 0, 65536, 3).mul_(1 + 0x1p-20);
      from[0] = std::numeric_limits<float>::quiet_NaN();
      from[1] = -std::numeric_limits<float>::infinity();
      auto wide = at::empty({65536}), narrow = at::empty({65536}, type);
      const void *a = in.const_data_ptr(), *c = from.const_data_ptr();
      void *b = wide.mutable_data_ptr(), *d = narrow.mutable_data_ptr();
      void* arguments[] = {&a, &b, &c, &d};
      CHECK(host->run({.x = 256}, {.x = 256}, arguments) == "");
      CHECK(at::equal(wide.nan_to_num(), in.to(at::kFloat).nan_to_num()));
      CHECK(at::equal(wide.isnan(), in.isnan()));
      CHECK(at::equal(narrow.to(at::kFloat).nan_to_num(), from.to(type).to(at::kFloat).nan_to_num()));
      CHECK(narrow.isnan().sum().item<int>() == 1);
    }
  }

  TEST_CASE("a location that is not a number is nowhere") {
    if (!host_compiles()) return test::skip(no_compiler);
    const Sampling given({{4, 4}}, 1, 3, 1, 4, 2);
    const auto lost = given;
    given.weights.select(4, 0).zero_();  // what the lost points count for
    lost.locations.select(4, 0).copy_(
        at::tensor({std::nan(""), 0.5, INFINITY, 0.5, 0.5, -1e300}, at::kDouble).view({1, 3, 1, 1, 2}));
    const auto seen = by_kernels(lost), expected = by_kernels(given);
    CHECK(at::equal(seen.output, expected.output));
    CHECK(at::equal(seen.gradients.values, expected.gradients.values));
    CHECK(test::largest(seen.gradients.locations.select(4, 0)) == 0);
    CHECK(test::largest(seen.gradients.weights.select(4, 0)) == 0);
  }

  TEST_CASE("tensors of more than 2^31 elements are read and written at their ends") {
    if (!host_compiles()) return test::skip(no_compiler);
    const std::int64_t side = 46342, tokens = side * side;  // more than 2^31 tokens of one channel
    const auto zeros = [](std::int64_t bytes) {             // pages that exist once they are written to
      void* start = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      return std::shared_ptr<void>(start == MAP_FAILED ? nullptr : start, [bytes](void* p) {
        if (p != nullptr) ::munmap(p, static_cast<std::size_t>(bytes));
      });
    };
    const auto pixels = zeros(2 * tokens), sums = zeros(4 * tokens);
    if (!pixels || !sums) return test::skip("no address space for 13 GB");
    const auto values = at::from_blob(pixels.get(), {1, tokens, 1, 1}, at::kBFloat16);
    values[0][tokens - 1].fill_(3);
    const std::vector<GridSize> levels{{side, side}};
    // The middle of the last pixel, as near as float32 comes: a millionth of 46342 pixels is a twentieth.
    const auto locations = at::full({1, 1, 1, 1, 1, 2}, 1 - 0.5 / static_cast<double>(side));
    const auto weights = at::ones({1, 1, 1, 1, 1});
    auto output = at::zeros({1, 1, 1}, at::kBFloat16);
    on_host(vos::detail::deformable_forward(values, levels, locations, weights, output), 1);
    CHECK(output.item<float>() == doctest::Approx(3).epsilon(0.05));
    vos::detail::DeformableGradients gradients{at::from_blob(sums.get(), values.sizes(), at::kFloat),
                                               at::zeros_like(locations), at::zeros_like(weights)};
    on_host(vos::detail::deformable_backward(values, levels, locations, weights, at::ones({1, 1, 1}), gradients), 1);
    CHECK(gradients.values[0][tokens - 1].item<float>() == doctest::Approx(1).epsilon(0.05));
    CHECK(gradients.weights.item<float>() == doctest::Approx(3).epsilon(0.05));
  }

  TEST_CASE(
      "threads of a block work together where a kernel is run without a GPU, and one that does not come is told") {
    const auto numbers = at::arange(256, at::kFloat);
    auto sum = at::zeros({1});
    const void* in = numbers.const_data_ptr();
    void* out = sum.mutable_data_ptr();
    void* arguments[] = {&in, &out};
    const auto works = test::HostKernel::compile({.name = "sum_of_block", .source = together_source});
    if (!works) return test::skip(no_compiler);
    CHECK(works->run({}, {.x = 256}, arguments) == "");
    CHECK(sum.item<float>() == 255 * 128);
    const auto late = test::HostKernel::compile({.name = "late", .source = together_source});
    void* only[] = {&out};
    CHECK(late->run({}, {.x = 32}, only) == "a shuffle waits for a thread that does not come");
  }

  TEST_CASE("a kernel that does not compile says where and why") {
    if (Nvrtc::find() == nullptr) return test::skip(no_nvrtc);
    const Kernel broken{.name = "broken", .source = "extern \"C\" __global__ void broken() { no_such_thing(); }"};
    try {
      compile_kernel(broken, "sm_90", nothing_kept);
      FAIL("it compiled");
    } catch (const Error& error) {
      CHECK(std::string{error.what()}.find("\"no_such_thing\" is undefined") != std::string::npos);
      CHECK(error.parts().where.starts_with("kernel broken, NVRTC "));
    }
    CHECK_THROWS_WITH_AS(compile_kernel(twice, "sm_1", nothing_kept), doctest::Contains("sm_1"), Error);
  }

  TEST_CASE("a compiled kernel is kept on disk until it is no longer whole") {
    if (Nvrtc::find() == nullptr) return test::skip(no_nvrtc);
    const test::Folder folder;
    const KernelCache cache{folder / "not/there/yet"};
    const auto first = compile_kernel(twice, "sm_90", cache).bytes;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
      if (entry.is_regular_file()) files.push_back(entry.path());
    REQUIRE(files.size() == 1);
    CHECK(files[0].filename().string().starts_with("scale-"));
    const auto whole = read_file(files[0]);

    // What is on disk is what is taken: another program under the same key comes back as it was stored.
    const auto key =
        Nvrtc::get().version() + "\nsm_90\n-DFACTOR=2\n" + std::string{kernel_prelude} + std::string{scale_source};
    CHECK(cache.load("scale", key) == first);
    cache.store("scale", key, std::vector<std::uint8_t>{1, 2, 3});
    CHECK(compile_kernel(twice, "sm_90", cache).bytes == std::vector<std::uint8_t>{1, 2, 3});
    // Every other key is another kernel: its options, its text, the GPU, the compiler.
    CHECK(compile_kernel(twice, "sm_80", cache).bytes.size() > 3);
    CHECK(compile_kernel({.name = "scale", .source = scale_source, .options = "-DFACTOR=3"}, "sm_90", cache)
              .bytes.size() > 3);
    CHECK_FALSE(cache.load("scale", key + " "));

    const auto recompiled = [&](std::vector<std::uint8_t> content) {
      write_file(files[0], content);
      const auto again = compile_kernel(twice, "sm_90", cache).bytes;
      return again == first && read_file(files[0]) == whole;
    };
    auto spoilt = whole;
    spoilt.back() ^= 1;
    CHECK(recompiled(spoilt));
    CHECK(recompiled({whole.begin(), whole.end() - 1}));
    CHECK(recompiled({whole.begin(), whole.begin() + 10}));
    CHECK(recompiled({}));
    std::filesystem::remove(files[0]);
    std::filesystem::create_directory(files[0]);  // in the way, and not to be replaced
    CHECK(compile_kernel(twice, "sm_90", cache).bytes == first);

    write_file(folder / "file", std::string_view{"no folder"});
    CHECK(compile_kernel(twice, "sm_90", KernelCache{folder / "file/below"}).bytes == first);
  }

  TEST_CASE("the cache lies where the user's caches lie") {
    const auto kept = std::string{std::getenv("XDG_CACHE_HOME") != nullptr ? std::getenv("XDG_CACHE_HOME") : ""};
    ::setenv("XDG_CACHE_HOME", "/elsewhere", 1);
    CHECK(KernelCache::usual_folder() == "/elsewhere/vos/kernels");
    ::setenv("XDG_CACHE_HOME", "relative", 1);
    CHECK(KernelCache::usual_folder().string().ends_with("/.cache/vos/kernels"));
    kept.empty() ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", kept.c_str(), 1);
  }

  TEST_CASE("a kernel is loaded once for each device, however many threads launch it") {
    if (Nvrtc::find() == nullptr) return test::skip(no_nvrtc);
    KernelLibrary library{FakeDriver::make(), nothing_kept};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] { library.launch(twice, {.device = t % 2}, {.x = 3}, {.x = 64}, 0, t); });
    for (auto& thread : threads) thread.join();
    CHECK(FakeDriver::loads == 2);
    CHECK(FakeDriver::launches == 4);
    library.launch(twice, {}, {.x = 0}, {.x = 64}, 0, 1);
    CHECK(FakeDriver::launches == 4);  // an empty launch is none
    CHECK_THROWS_WITH_AS(library.launch(twice, {.device = 2}, {}, {}, 0, 1),
                         doctest::Contains("invalid device ordinal (101)"), Error);
    CHECK_THROWS_WITH_AS(library.launch(twice, {}, {}, {}, 1 << 20, 1),
                         doctest::Contains("1048576 bytes of shared memory"), Error);
    FakeDriver::launched = [](void**, unsigned, unsigned) { return 1; };
    CHECK_THROWS_WITH_AS(library.launch(twice, {}, {}, {}, 0, 1), doctest::Contains("kernel scale"), Error);
  }

  TEST_CASE("the arguments of a launch arrive as the kernel declares them") {
    if (Nvrtc::find() == nullptr) return test::skip(no_nvrtc);
    const auto host = test::HostKernel::compile(twice);
    if (!host) return test::skip(no_compiler);
    KernelLibrary library{FakeDriver::make(), nothing_kept};
    FakeDriver::launched = [&](void** arguments, unsigned grid, unsigned block) {
      CHECK(host->run({.x = grid}, {.x = block}, arguments) == "");
      return 0;
    };
    const auto in = at::arange(100, at::kFloat);
    auto out = at::zeros({100});
    const KernelStream stream;
    // [launch]
    const Extent blocks{.x = 2}, threads{.x = 64};
    library.launch(twice, stream, blocks, threads, 0, in.const_data_ptr<float>(), out.mutable_data_ptr<float>(), 100);
    // [launch]
    CHECK(at::equal(out, 2 * in));
  }

  TEST_CASE("shapes, devices and types that have no kernel are refused") {
    const Sampling given({{2, 2}}, 1, 1, 1, 4, 1);
    CHECK_THROWS_WITH_AS(deformable_sampling_cuda(given.values, given.levels, given.locations, given.weights.squeeze()),
                         doctest::Contains("weights [N,Q,M,L,P]"), Error);
    CHECK_THROWS_WITH_AS(vos::detail::kernel_type(at::kLong), doctest::Contains("no kernel for Long"), Error);
    const Sampling high(std::vector<GridSize>(129, {1, 1}), 1, 1, 1, 4, 1);
    auto output = at::empty({1, 1, 4}, at::kDouble);
    CHECK_THROWS_WITH_AS(
        vos::detail::deformable_forward(high.values, high.levels, high.locations, high.weights, output),
        doctest::Contains("129 levels"), Error);
  }

  TEST_CASE("on a GPU the kernels agree with the plain form in value and gradient") {
    if (!at::hasCUDA()) return test::skip("no GPU");
    if (!can_launch_kernels()) return test::skip("a GPU, but no CUDA headers at build time, or no NVRTC");
    const Sampling given({{30, 54}, {15, 27}, {8, 14}}, 2, 300, 8, 32, 4);
    for (const auto& [type, value, gradient] : {std::tuple{at::kDouble, 1e-13, 1e-12},
                                                {at::kFloat, 2e-6, 2e-5},
                                                {at::kHalf, 0x1p-11, 1e-3},
                                                {at::kBFloat16, 0x1p-8, 1e-2}}) {
      CAPTURE(at::toString(type));
      const auto typed = given.in(type);
      const auto leaf = [](const at::Tensor& tensor) { return tensor.to(at::kCUDA).detach().requires_grad_(); };
      const auto values = leaf(typed.values), locations = leaf(typed.locations), weights = leaf(typed.weights);
      const auto output = deformable_sampling_cuda(values, typed.levels, locations, weights);
      CHECK((output.scalar_type() == type));
      output.backward(typed.grad.to(at::kCUDA, type));
      const auto cpu = [](const at::Tensor& tensor) { return tensor.detach().cpu(); };
      // The gradient that comes back is of 16 bits too, as is what is given.
      check_close({cpu(output), {cpu(values.grad()), cpu(locations.grad()), cpu(weights.grad())}}, plain(typed), value,
                  gradient);
    }
  }

  TEST_CASE("on a GPU the kernels refuse second derivatives") {
    if (!at::hasCUDA() || !can_launch_kernels()) return test::skip("no GPU to launch kernels on");
    const auto given = Sampling({{4, 4}}, 1, 3, 1, 4, 2).in(at::kFloat);
    const auto values = given.values.to(at::kCUDA).requires_grad_();
    const auto output =
        deformable_sampling_cuda(values, given.levels, given.locations.to(at::kCUDA), given.weights.to(at::kCUDA));
    CHECK_THROWS_WITH_AS(torch::autograd::grad({output.sum()}, {values}, {}, true, true),
                         doctest::Contains("differentiated once"), Error);
  }
}
