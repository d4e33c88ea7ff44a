#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#endif

#include <vos/core/text.hpp>
#include <vos/error.hpp>
#include <vos/train/parallel/group.hpp>

namespace vos {

#ifdef USE_C10D_GLOO
namespace detail {

/// LibTorch's c10d: what is on the host goes over Gloo, what is on a GPU over NCCL where this build has it, else over the host.
class C10dGroup final : public Group {
 public:
  explicit C10dGroup(const GroupSpec& spec) : ranks_(spec.launch.ranks) {
    try {
      meet(spec);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw Error({.what = "the processes cannot reach each other: " + first_line(error),
                   .where = place(),
                   .mend = "check MASTER_ADDR and MASTER_PORT, that the port is free, and, between machines, "
                           "GLOO_SOCKET_IFNAME (the network's name as in `ip address`)"});
    }
  }
  ~C10dGroup() override {
    // Who leaves early, by an error, waits for nobody: the others may never come to where it was.
    if (!nccl_) return;
    if (std::uncaught_exceptions() > 0) nccl_->abort();
    else nccl_->shutdown();
  }
  C10dGroup(const C10dGroup&) = delete;
  C10dGroup& operator=(const C10dGroup&) = delete;

  Ranks ranks() const override { return ranks_; }

  std::unique_ptr<Pending> start_sum(at::Tensor tensor) override {
    return start(std::move(tensor),
                 [](c10d::Backend& backend, std::vector<at::Tensor>& tensors) { return backend.allreduce(tensors); });
  }
  std::unique_ptr<Pending> start_broadcast(at::Tensor bytes) override {
    return start(std::move(bytes),
                 [](c10d::Backend& backend, std::vector<at::Tensor>& tensors) { return backend.broadcast(tensors); });
  }
  c10::Device exchange_device(c10::Device device) const override { return nccl_ ? device : c10::Device{c10::kCPU}; }

  void set_timeout(double seconds) override {
    seconds_ = seconds;
    gloo_->setTimeout(milliseconds(seconds));
    if (nccl_) nccl_->setTimeout(milliseconds(seconds));
  }

 private:
  using Work = c10::intrusive_ptr<c10d::Work>;

  struct Sent final : Pending {
    Sent(const C10dGroup& group, std::vector<at::Tensor> tensors) : group(group), tensors(std::move(tensors)) {}
    void wait() override {
      try {
        work->wait();
      } catch (const std::exception& error) {
        group.lost(error);
      }
    }
    const C10dGroup& group;
    std::vector<at::Tensor> tensors;  // alive until they are sent
    Work work;
  };

  static std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
  }
  /// What happened, without the place in the library's source before it.
  static std::string first_line(const std::exception& error) {
    std::string_view text = error.what();
    text = text.substr(0, text.find('\n'));
    if (const auto end = text.find("] "); text.starts_with('[') && end != text.npos) text.remove_prefix(end + 2);
    return std::string{text};
  }
  std::string place() const { return "process " + std::to_string(ranks_.rank) + " of " + std::to_string(ranks_.world); }

  std::unique_ptr<Pending> start(at::Tensor tensor, const auto& begin) {
    auto sent = std::make_unique<Sent>(*this, std::vector<at::Tensor>{std::move(tensor)});
    auto& backend = sent->tensors[0].is_cuda() && nccl_ ? *nccl_ : *gloo_;
    try {
      sent->work = begin(backend, sent->tensors);
    } catch (const std::exception& error) {
      lost(error);
    }
    return sent;
  }

  [[noreturn]] void lost(const std::exception& error) const {
    const auto line = first_line(error);
    const bool late = line.find("imed out") != std::string::npos || line.find("imeout") != std::string::npos;
    throw Error({.what = late ? "another process did not answer for " +
                                    std::to_string(static_cast<std::int64_t>(seconds_)) + " seconds (" + line + ")"
                              : "another process has ended, or its connection broke (" + line + ")",
                 .where = place(),
                 .mend = late ? "see what the others wait for; parallel.timeout sets how long they may"
                              : "see what that process said at its end; --resume goes on from the last checkpoint"});
  }

  void meet(const GroupSpec& spec) {
    const auto& launch = spec.launch;
    c10d::TCPStoreOptions options;
    options.port = launch.port;
    options.isServer = ranks_.leads() && !launch.hosted;
    options.waitWorkers = false;
    options.timeout = milliseconds(spec.seconds);
    auto tcp = c10::make_intrusive<c10d::TCPStore>(launch.address, options);
    const auto store = c10::make_intrusive<c10d::PrefixStore>("vos/" + launch.attempt, tcp);
    store->setTimeout(options.timeout);
    expect_all(*store, spec.seconds);

    auto of_gloo = c10d::ProcessGroupGloo::Options::create(options.timeout);
    if (const char* network = std::getenv("GLOO_SOCKET_IFNAME"); network != nullptr && *network != '\0')
      of_gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForInterface(network));
    else if (launch.one_machine)
      of_gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
    else of_gloo->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    const auto rank = static_cast<int>(ranks_.rank), world = static_cast<int>(ranks_.world);
    gloo_ = c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store), rank,
                                                        world, of_gloo);
#ifdef USE_C10D_NCCL
    if (spec.device.is_cuda()) {
      auto of_nccl = c10d::ProcessGroupNCCL::Options::create();
      of_nccl->timeout = options.timeout;
      nccl_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store), rank,
                                                          world, of_nccl);
    }
#endif
    store_ = store;
    set_timeout(spec.seconds);
  }

  /// Waits until all have come; says who did not.
  void expect_all(c10d::Store& store, double seconds) const {
    const auto key = [](std::int64_t rank) { return "came/" + std::to_string(rank); };
    store.set(key(ranks_.rank), std::string{"here"});
    std::vector<std::string> keys, missing;
    for (std::int64_t r = 0; r < ranks_.world; ++r) keys.push_back(key(r));
    try {
      store.wait(keys, milliseconds(seconds));
      return;
    } catch (const std::exception&) {
      for (std::int64_t r = 0; r < ranks_.world; ++r)
        if (!store.check({key(r)})) missing.push_back(std::to_string(r));
    }
    throw Error({.what = "of " + std::to_string(ranks_.world) + " processes these did not come in " +
                         std::to_string(static_cast<std::int64_t>(seconds)) +
                         " seconds: " + join_first(missing, 10, ", "),
                 .where = place(),
                 .mend = "start as many as WORLD_SIZE says, all with the same MASTER_ADDR and MASTER_PORT"});
  }

  Ranks ranks_;
  double seconds_ = 0;
  c10::intrusive_ptr<c10d::Store> store_;  // process 0's ends with it
  c10::intrusive_ptr<c10d::Backend> gloo_, nccl_;
};

}  // namespace detail
#endif

VOS_INLINE std::unique_ptr<Group> join_group([[maybe_unused]] const GroupSpec& spec) {
#ifdef USE_C10D_GLOO
  return std::make_unique<detail::C10dGroup>(spec);
#else
  throw Error(
      {.what = "this build trains in one process, and " + std::to_string(spec.launch.ranks.world) + " were started",
       .where = "process " + std::to_string(spec.launch.ranks.rank),
       .mend = "start it once, or build it with Gloo's headers (Debian: libgloo-dev)",
       .exit_code = exit_code::usage});
#endif
}

}  // namespace vos
