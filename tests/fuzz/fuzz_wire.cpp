// A message from anywhere: refused, or every field can be read and written again.
#include <vos/wire/message.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> words((size + 7) / 8);  // at an address that 8 divides, and not a byte too long to read
  if (size > 0) std::memcpy(words.data(), data, size);
  const auto [message, fault] = vos::wire::open_message({reinterpret_cast<const std::uint8_t*>(words.data()), size});
  if ((message == nullptr) == (fault == vos::wire::MessageFault::none)) std::abort();
  if (message == nullptr) return 0;
  const std::unique_ptr<vos::wire::MessageT> fields{message->UnPack()};
  flatbuffers::FlatBufferBuilder builder;
  const auto written = vos::wire::detail::finish(builder, vos::wire::Message::Pack(builder, fields.get()));
  const auto again = vos::wire::open_message(written);
  if (again.message == nullptr || again.message->body_type() != message->body_type()) std::abort();
  return 0;
}
