#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <vos/io/source.hpp>

namespace vos {

/// A source that reads another one ahead, on a thread of its own, at most `ahead` frames.
///
/// Errors arrive in their place between the frames. A live source goes on while the queue is full: then the oldest
/// waiting frame is dropped, so that what is read is never older than the queue is long; a gap in the indices shows it.
class PrefetchSource final : public FrameSource {
 public:
  PrefetchSource(std::unique_ptr<FrameSource> source, std::int64_t ahead)
      : source_(std::move(source)),
        ahead_(static_cast<std::size_t>(ahead < 1 ? 1 : ahead)),
        info_(source_->info()),
        worker_([this] { read_ahead(); }) {}

  /// Waits for the frame that is being decoded, for no more.
  ~PrefetchSource() override {
    {
      const std::lock_guard lock{mutex_};
      stopped_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }
  PrefetchSource(const PrefetchSource&) = delete;
  PrefetchSource& operator=(const PrefetchSource&) = delete;

  std::optional<Frame> next() override {
    Item item;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return !queue_.empty(); });
      if (queue_.front().ends()) return std::nullopt;  // and stays, for whoever asks again
      item = std::move(queue_.front());
      queue_.pop_front();
    }
    changed_.notify_all();
    if (item.error) std::rethrow_exception(item.error);
    info_.height = item.frame->height();
    info_.width = item.frame->width();
    return std::move(item.frame);
  }

  const SourceInfo& info() const override { return info_; }
  std::string stem(std::int64_t index) const override { return source_->stem(index); }
  at::Tensor truth(std::int64_t index) const override { return source_->truth(index); }

 private:
  struct Item {
    std::optional<Frame> frame;
    std::exception_ptr error;
    bool ends() const { return !frame && !error; }
  };

  void read_ahead() {
    const bool live = info_.live;  // the reader's thread changes only the size
    for (bool more = true; more;) {
      Item item;
      try {
        item.frame = source_->next();
      } catch (...) {
        item.error = std::current_exception();
      }
      more = !item.ends();
      std::unique_lock lock{mutex_};
      if (live && queue_.size() >= ahead_ && queue_.front().frame) queue_.pop_front();
      changed_.wait(lock, [this] { return stopped_ || queue_.size() < ahead_; });
      if (stopped_) return;
      queue_.push_back(std::move(item));
      lock.unlock();
      changed_.notify_all();
    }
  }

  const std::unique_ptr<FrameSource> source_;
  const std::size_t ahead_;
  SourceInfo info_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;
  bool stopped_ = false;
  std::thread worker_;  // last: it uses the others from its first moment
};

}  // namespace vos
