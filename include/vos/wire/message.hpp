#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <flatbuffers/flatbuffers.h>

#include <vos/wire/vos_generated.h>  // made from vos.fbs when building
#include <vos/core/box.hpp>
#include <vos/fwd.hpp>

/// Messages between a server and its viewers. `message_of` and `frame_message` write one, `open_message` reads one that
/// comes from anywhere; docs/wire.md says what they mean.
namespace vos::wire {

inline constexpr std::uint16_t protocol = 1;

/// Larger messages are refused unread. Uploads go by HTTP; the largest here are a camera's pictures.
inline constexpr std::size_t largest_message = std::size_t{16} << 20;

/// The bytes of a message, as they came or as they go.
using Bytes = std::span<const std::uint8_t>;
using Written = std::vector<std::uint8_t>;

inline Bytes bytes_of(const flatbuffers::Vector<std::uint8_t>* field) {
  return field != nullptr ? Bytes{field->data(), field->size()} : Bytes{};
}
inline std::string_view text_of(const flatbuffers::String* field) {
  return field != nullptr ? std::string_view{field->c_str(), field->size()} : std::string_view{};
}

/// Why bytes were not taken as a message.
enum class MessageFault : std::uint8_t {
  none,
  too_large,
  unaligned,  ///< our own mistake: a message is read in place, from an address that 8 divides
  not_ours,   ///< another program's, or cut short
  damaged,
  unknown,  ///< sound, but it says something that this program is too old for
};

inline std::string_view text_of(MessageFault fault) {
  switch (fault) {
    case MessageFault::none: return "sound";
    case MessageFault::too_large: return "the message is too large";
    case MessageFault::unaligned: return "the message lies at an odd address";
    case MessageFault::not_ours: return "this is no message of vos";
    case MessageFault::damaged: return "the message is damaged";
    case MessageFault::unknown: return "the message is of a kind that this program does not know";
  }
  return "";
}

struct Opened {
  const Message* message = nullptr;  ///< lies in the bytes; null on a fault
  MessageFault fault = MessageFault::none;
};

/// Checks every offset and length of `bytes`, then reads in place. Numbers mean what the sender liked: whoever uses a field
/// asks whether it makes sense.
inline Opened open_message(Bytes bytes) {
  if (bytes.size() > largest_message) return {nullptr, MessageFault::too_large};
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) return {nullptr, MessageFault::unaligned};
  if (bytes.size() < 8 || !MessageBufferHasIdentifier(bytes.data())) return {nullptr, MessageFault::not_ours};
  flatbuffers::Verifier verifier{bytes.data(), bytes.size(), /*max_depth=*/16, /*max_tables=*/1U << 16};
  if (!VerifyMessageBuffer(verifier)) return {nullptr, MessageFault::damaged};
  const auto* message = GetMessage(bytes.data());
  if (*EnumNameBody(message->body_type()) == '\0' || message->body_type() == Body::NONE)
    return {nullptr, MessageFault::unknown};
  return {message, MessageFault::none};
}

namespace detail {

/// A builder's own memory may begin at any address; a vector's can be read in place again.
inline Written finish(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<Message> message) {
  builder.Finish(message, MessageIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

}  // namespace detail

/// A message of any kind but a frame, from its fields by name: `message_of(SeekT{.index = 7}, request)`.
template <class Fields>
Written message_of(Fields body, std::uint32_t request = 0) {
  MessageT message;
  message.body.Set(std::move(body));
  message.request = request;
  flatbuffers::FlatBufferBuilder builder;
  return detail::finish(builder, Message::Pack(builder, &message));
}

/// What a frame's message says; nothing is copied before it is written.
struct FrameToSend {
  std::int64_t index = 0;
  double seconds = 0;
  std::int64_t height = 0, width = 0;
  std::span<const FrameObject> objects = {};
  Bytes masks = {};  ///< of `encode_masks`
  Bytes jpeg = {};
  std::uint32_t revision = 0;
};

inline Written frame_message(const FrameToSend& frame) {
  flatbuffers::FlatBufferBuilder builder{256 + 32 * frame.objects.size() + frame.masks.size() + frame.jpeg.size()};
  const auto bytes = [&](Bytes from) {
    return from.empty() ? flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>>{}
                        : builder.CreateVector(from.data(), from.size());
  };
  const auto jpeg = bytes(frame.jpeg), masks = bytes(frame.masks);
  const auto objects = builder.CreateVectorOfStructs(frame.objects.data(), frame.objects.size());
  const auto result = CreateFrameResult(builder, frame.index, frame.seconds, static_cast<std::uint32_t>(frame.width),
                                        static_cast<std::uint32_t>(frame.height), objects, masks, jpeg, frame.revision);
  return detail::finish(builder, CreateMessage(builder, Body::FrameResult, result.Union()));
}

/// An object of a frame, its box rounded outwards to whole pixels.
inline FrameObject object_to_send(ObjectId id, std::int32_t category, float score, const vos::Box& box, bool visible,
                                  ObjectFlags flags = {}) {
  const auto side = [](float at) { return static_cast<std::uint16_t>(at > 0 ? std::min(at, 65535.0F) : 0.0F); };
  return {id,
          category,
          score,
          side(std::floor(box.x0)),
          side(std::floor(box.y0)),
          side(std::ceil(box.x1)),
          side(std::ceil(box.y1)),
          visible ? ObjectState::visible : ObjectState::lost,
          flags};
}

}  // namespace vos::wire
