#include "writer.hpp"

#include <algorithm>
#include <utility>

namespace vos::infer {

Writer::Writer(std::vector<Sink> sinks, Journal journal)
    : sinks_(std::move(sinks)), journal_(std::move(journal)), thread_([this] { work(); }) {}

Writer::~Writer() {
  try {
    close(false);
  } catch (...) {  // whoever wanted to know has called close()
  }
}

void Writer::write(Answer answer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return error_ || queue_.size() < most_waiting; });
  if (error_) std::rethrow_exception(error_);
  queue_.push_back(std::move(answer));
  changed_.notify_all();
}

void Writer::close(bool complete) {
  if (std::exchange(closed_, true)) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  thread_.join();
  for (auto& [format, sink] : sinks_) try {
      sink->close();
    } catch (...) {
      fail(std::current_exception());
    }
  if (error_) std::rethrow_exception(error_);
  if (complete) journal_.complete();
}

bool Writer::needs_picture() const {
  return std::any_of(sinks_.begin(), sinks_.end(), [](const Sink& each) { return each.sink->needs_picture(); });
}

std::vector<std::filesystem::path> Writer::outputs() const {
  std::vector<std::filesystem::path> paths;
  for (const auto& each : sinks_)
    for (auto& path : each.sink->outputs()) paths.push_back(std::move(path));
  return paths;
}

void Writer::work() {
  for (;;) {
    Answer answer;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      answer = std::move(queue_.front());
      queue_.pop_front();
      changed_.notify_all();
      if (error_) continue;  // what came before is on disk and readable; nothing more is added to it
    }
    try {
      put(answer);
    } catch (...) {
      fail(std::current_exception());
    }
  }
}

void Writer::put(const Answer& answer) {
  for (auto& [format, sink] : sinks_)
    if (!answer.kept || format != "png") sink->write(answer.frame, answer.result, answer.stem);
  if (!answer.kept) journal_.add(answer.result, answer.stem);
  if (answer.truth.defined()) score_.add(answer.truth, answer.result);
  for (const auto& object : answer.result.objects) objects_.insert(object.id);
}

void Writer::fail(std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  changed_.notify_all();
}

}  // namespace vos::infer
