#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <vos/vos.hpp>

#include "journal.hpp"
#include "score.hpp"

namespace vos::infer {

/// One frame's answer on its way to the disk.
struct Answer {
  Frame frame;  ///< its picture may be missing where no sink needs one
  FrameResult result;
  std::string stem;
  at::Tensor truth = {};  ///< undefined where nobody knows it
  bool kept = false;      ///< an earlier run wrote its label map and its line of the journal
};

/// Sinks, journal and score behind a bounded queue, on a thread of their own: drawing and encoding overlap with tracking.
class Writer {
 public:
  struct Sink {
    std::string format;
    std::unique_ptr<ResultSink> sink;
  };

  Writer(std::vector<Sink> sinks, Journal journal);
  ~Writer();  ///< closes, but cannot say what went wrong: call close()

  /// Waits while the queue is full. Throws what the thread could not write.
  void write(Answer answer);

  /// Waits for the queue, completes the files. `complete`: the video was followed to its end. All sinks are closed even
  /// if one fails; the first error is thrown then.
  void close(bool complete);

  bool needs_picture() const;
  /// Of complete files; after close().
  std::vector<std::filesystem::path> outputs() const;
  const Score& score() const { return score_; }                   ///< after close()
  const std::set<ObjectId>& objects() const { return objects_; }  ///< after close()

 private:
  void work();
  void put(const Answer& answer);
  void fail(std::exception_ptr error);

  static constexpr std::size_t most_waiting = 8;

  std::vector<Sink> sinks_;
  Journal journal_;
  Score score_;
  std::set<ObjectId> objects_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Answer> queue_;
  std::exception_ptr error_;
  bool closing_ = false, closed_ = false;
  std::thread thread_;
};

}  // namespace vos::infer
