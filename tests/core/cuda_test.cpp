#include <ATen/ATen.h>
#if VOS_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>
#endif

#include "../test.hpp"

TEST_SUITE("cuda") {
  TEST_CASE("CUDA code links everywhere and agrees with LibTorch on whether there is a GPU") {
#if VOS_CUDA
    CHECK(at::cuda::is_available() == at::hasCUDA());
    if (!at::hasCUDA()) return vos::test::skip("no GPU");
    const c10::cuda::CUDAGuard guard{0};
    const auto stream = at::cuda::getCurrentCUDAStream();
    const auto sum = at::ones({1000}, at::kCUDA).sum();
    stream.synchronize();
    CHECK(sum.item<float>() == 1000);
#else
    vos::test::skip("no CUDA headers");
#endif
  }
}
