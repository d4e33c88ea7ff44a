#pragma once

#include <memory>

#include <vos/core/text.hpp>
#include <vos/io/contact_sink.hpp>
#include <vos/io/png_sink.hpp>
#include <vos/io/rle_sink.hpp>
#include <vos/io/sink.hpp>
#include <vos/io/video_sink.hpp>

namespace vos {

VOS_INLINE std::unique_ptr<ResultSink> open_sink(const SinkSpec& spec) {
  if (spec.format == "png") return std::make_unique<PngSink>(spec);
  if (spec.format == "rle") return std::make_unique<RleSink>(spec);
  if (spec.format == "mp4") return std::make_unique<VideoSink>(spec);
  if (spec.format == "contact") return std::make_unique<ContactSink>(spec);
  throw Error({.what = "there is no format '" + spec.format + "'" + did_you_mean(spec.format, sink_formats),
               .where = "open_sink",
               .mend = "formats are " + join(sink_formats, ", "),
               .exit_code = exit_code::usage});
}

}  // namespace vos
