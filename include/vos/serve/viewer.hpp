#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <vos/wire/message.hpp>

namespace vos::serve {

/// Bytes of one message, shared by all viewers that it goes to.
using Shared = std::shared_ptr<const wire::Written>;

/// A frame on its way to viewers. It is written when the first of them wants it, once in each form: as the difference to the frame
/// before, or on its own; with its picture, or without. Used by the network thread alone.
class OutgoingFrame {
 public:
  virtual ~OutgoingFrame() = default;
  /// `shown`: the `serial` of the frame that this viewer was sent last; 0: none, or it asked for a key frame.
  virtual Shared bytes(std::uint64_t shown, bool picture) const = 0;
  /// Never 0; tells the frames of a session apart.
  virtual std::uint64_t serial() const = 0;
};

/// Somebody at the other end of a WebSocket, as a session sees them. Functions return at once, on the network thread.
class Viewer {
 public:
  virtual ~Viewer() = default;
  /// Puts a message into the queue. These are never left out; a viewer whose queue is full of them is cut off.
  virtual void send(Shared message) = 0;
  /// Puts a frame into the queue. Where the queue is full, the oldest waiting frame is left out, and the viewer told by Dropped.
  virtual void send(std::shared_ptr<const OutgoingFrame> frame) = 0;
  /// Whether a frame can be sent without another one being left out: who reads from a file waits for this.
  virtual bool has_room() const = 0;
  /// The next frame goes out on its own.
  virtual void want_key_frame() = 0;
  virtual void want_pictures(bool wanted) = 0;
  /// Whoever it is was let in: from now on its messages may be large.
  virtual void trust() {}
  /// After what is in the queue, the end, with a code of RFC 6455 and words for a person.
  virtual void close(std::uint16_t code, std::string reason) = 0;
  /// Ever rising numbers of this viewer.
  virtual std::uint64_t sent_bytes() const = 0;
  virtual std::uint64_t dropped_frames() const = 0;
  virtual std::size_t queued() const = 0;
};

/// What takes a viewer's messages. Functions return at once, on the network thread.
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// A message that `wire::open_message` found sound; it is gone after the call.
  virtual void receive(const wire::Message& message) = 0;
  /// One that was not; what to do about it. The connection stays open unless the receiver closes it.
  virtual void receive_fault(wire::MessageFault fault) = 0;
  /// There is room for frames again.
  virtual void has_room() = 0;
  /// The connection is gone, for whatever reason; nothing is called afterwards.
  virtual void gone() = 0;
};

}  // namespace vos::serve
