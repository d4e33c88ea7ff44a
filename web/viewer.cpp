// The page's functions: bytes and numbers in, addresses of bytes out. All memory is WebAssembly's own; what an address points
// to holds until the next call that is not a question.
#include <emscripten/emscripten.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "composer.hpp"
#include "viewer_state.hpp"

namespace {

using namespace vos;
using namespace vos::web;

ViewerState state;
Composer composer;
std::vector<std::uint64_t> inbox;  // words: a message is read in place, from an address that 8 divides
wire::Written outgoing;
std::array<double, 16> numbers;
std::vector<std::uint8_t> bars;
std::vector<TimeMark> marks(4096);

wire::Bytes inbox_bytes(std::size_t size) {
  return {reinterpret_cast<const std::uint8_t*>(inbox.data()), std::min(size, inbox.size() * 8)};
}

/// What the script asks of a frame, in one array that is the same every time.
const double* tell(const KeptFrame& frame) {
  const auto& jpeg = frame.jpeg;
  numbers = {static_cast<double>(frame.index),
             frame.seconds,
             static_cast<double>(frame.width),
             static_cast<double>(frame.height),
             static_cast<double>(frame.revision),
             frame.answered ? 1.0 : 0.0,
             static_cast<double>(frame.objects.size()),
             static_cast<double>(reinterpret_cast<std::uintptr_t>(frame.objects.data())),
             static_cast<double>(jpeg.size()),
             static_cast<double>(reinterpret_cast<std::uintptr_t>(jpeg.data())),
             static_cast<double>(state.fault()),
             state.brought_picture() ? 1.0 : 0.0};
  return numbers.data();
}

const double* tell(const MaskView& view, std::span<const Anchor> anchors) {
  numbers = {static_cast<double>(view.width()),
             static_cast<double>(view.height()),
             view.wide() ? 2.0 : 1.0,
             static_cast<double>(reinterpret_cast<std::uintptr_t>(view.pixels())),
             static_cast<double>(anchors.size()),
             static_cast<double>(reinterpret_cast<std::uintptr_t>(anchors.data()))};
  return numbers.data();
}

}  // namespace

extern "C" {

// --- what comes in -------------------------------------------------------------------------------------------------------
/// Where the script writes a message, words or a picture of so many bytes.
EMSCRIPTEN_KEEPALIVE std::uint8_t* vos_inbox(std::size_t size) {
  if (inbox.size() * 8 < size) inbox.resize((size + 7) / 8);
  return reinterpret_cast<std::uint8_t*>(inbox.data());
}
EMSCRIPTEN_KEEPALIVE int vos_feed(std::size_t size) { return state.feed(inbox_bytes(size)); }
EMSCRIPTEN_KEEPALIVE const char* vos_text() { return state.text().c_str(); }
EMSCRIPTEN_KEEPALIVE void vos_reconnect() { state.reconnect(); }
EMSCRIPTEN_KEEPALIVE void vos_restart() { state.restart(); }

// --- frames: index, seconds, width, height, revision, answered, objects and their address, JPEG bytes and their address; then of
// the one that came last: fault, whether it brought its picture
EMSCRIPTEN_KEEPALIVE const double* vos_arrived() {
  const auto* frame = state.arrived();
  return frame != nullptr ? tell(*frame) : nullptr;
}
EMSCRIPTEN_KEEPALIVE const double* vos_kept(double index) {
  const auto* frame = state.ring().find(static_cast<std::int64_t>(index));
  return frame != nullptr ? tell(*frame) : nullptr;
}
EMSCRIPTEN_KEEPALIVE const double* vos_show(double index) {
  const auto* frame = state.show(static_cast<std::int64_t>(index));
  return frame != nullptr ? tell(*frame) : nullptr;
}
/// The shown masks: width, height, bytes a pixel, the pixels' address, anchors of the frame's objects and their address.
EMSCRIPTEN_KEEPALIVE const double* vos_masks() { return tell(state.view(), state.anchors()); }
EMSCRIPTEN_KEEPALIVE const double* vos_preview() { return state.show_preview() ? tell(state.preview(), {}) : nullptr; }
EMSCRIPTEN_KEEPALIVE void vos_clear_preview() { state.clear_preview(); }
EMSCRIPTEN_KEEPALIVE const std::uint8_t* vos_palette() { return state.palette().data(); }
EMSCRIPTEN_KEEPALIVE std::size_t vos_palette_size() { return state.palette().size() / 4; }
EMSCRIPTEN_KEEPALIVE int vos_hit(int x, int y, int reach) { return state.view().hit(x, y, reach); }
EMSCRIPTEN_KEEPALIVE double vos_ring_bytes() { return static_cast<double>(state.ring().bytes()); }

// --- looks: to be followed by vos_restyle ------------------------------------------------------------------------------------
EMSCRIPTEN_KEEPALIVE void vos_select(int id) { state.select(id); }
EMSCRIPTEN_KEEPALIVE void vos_hide(int id, int hidden) { state.hide(id, hidden != 0); }
EMSCRIPTEN_KEEPALIVE void vos_solo(int id) { state.solo(id); }
EMSCRIPTEN_KEEPALIVE void vos_restyle() { state.restyle(); }

// --- time line ---------------------------------------------------------------------------------------------------------------
/// Draws frames [first,last): a row of what is known, then one for each object of the list. RGBA.
EMSCRIPTEN_KEEPALIVE const std::uint8_t* vos_bars(double first, double last, int width) {
  bars.resize((state.ids().size() + 1) * static_cast<std::size_t>(width) * 4);
  state.time_line().paint(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last), width, state.ids(),
                          state.colours(), bars.data());
  return bars.data();
}
/// Triples of row, frame, flags; gives how many.
EMSCRIPTEN_KEEPALIVE int vos_marks(double first, double last) {
  return static_cast<int>(
      state.time_line().marks(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last), state.ids(), marks));
}
EMSCRIPTEN_KEEPALIVE const TimeMark* vos_marks_at() { return marks.data(); }
/// Frame, object and kind of the next frame that needs a person.
EMSCRIPTEN_KEEPALIVE const double* vos_weak(double from, int step) {
  const auto spot = state.time_line().next_weak(static_cast<std::int64_t>(from), step < 0 ? -1 : 1, state.ids());
  numbers = {static_cast<double>(spot.frame), static_cast<double>(spot.id), static_cast<double>(spot.kind)};
  return numbers.data();
}
EMSCRIPTEN_KEEPALIVE int vos_weak_count() { return static_cast<int>(state.time_line().count_weak(state.ids())); }
EMSCRIPTEN_KEEPALIVE double vos_known_begin() { return static_cast<double>(state.time_line().begin()); }
EMSCRIPTEN_KEEPALIVE double vos_known_end() { return static_cast<double>(state.time_line().end()); }
EMSCRIPTEN_KEEPALIVE void vos_doubt(double first, double last) {
  state.doubt(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last));
}
EMSCRIPTEN_KEEPALIVE void vos_forget_doubted(double first, double last) {
  state.time_line().forget_doubted(static_cast<std::int64_t>(first), static_cast<std::int64_t>(last));
}

// --- what goes out: numbers and words, then what they are; see Composer ---------------------------------------------------------
EMSCRIPTEN_KEEPALIVE void vos_number(double value) { composer.number(value); }
/// The word lies in the inbox.
EMSCRIPTEN_KEEPALIVE void vos_word(std::size_t size) {
  const auto bytes = inbox_bytes(size);
  composer.word({bytes.begin(), bytes.end()});
}
EMSCRIPTEN_KEEPALIVE int vos_part(int part, std::size_t size) {
  return composer.add(static_cast<Composer::Part>(part), inbox_bytes(size)) ? 1 : 0;
}
/// Gives the message's size; it lies at vos_out.
EMSCRIPTEN_KEEPALIVE std::size_t vos_say(int kind, std::uint32_t request, std::size_t size) {
  outgoing = composer.say(static_cast<wire::Body>(kind), request, inbox_bytes(size));
  return outgoing.size();
}
EMSCRIPTEN_KEEPALIVE const std::uint8_t* vos_out() { return outgoing.data(); }
}
