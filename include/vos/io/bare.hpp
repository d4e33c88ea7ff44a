#pragma once

/// The bodies behind io/'s headers in a build without OpenCV and libpng: synthetic scenes in, COCO RLE out, drawing; all
/// else says what is missing. With OpenCV the same functions are in all.hpp, and this header is empty.
#if !VOS_OPENCV

#include <filesystem>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include <vos/core/text.hpp>
#include <vos/data/catalog.hpp>
#include <vos/data/synthetic.hpp>
#include <vos/error.hpp>
#include <vos/io/drawing.hpp>
#include <vos/io/image.hpp>
#include <vos/io/labels.hpp>
#include <vos/io/rle_sink.hpp>
#include <vos/io/sink.hpp>
#include <vos/io/source.hpp>
#include <vos/io/video_reader.hpp>
#include <vos/io/video_writer.hpp>

namespace vos {
namespace detail {

[[noreturn]] inline void refuse_without_opencv(const std::string& what, const std::string& where) {
  throw Error({.what = what + " needs OpenCV, libpng, simdjson and libzip, and this build is without",
               .where = where,
               .mend = "install libopencv-dev, libpng-dev, libsimdjson-dev and libzip-dev and build again (./vos "
                       "doctor); inputs 'synthetic:NAME' and "
                       "the format 'rle' work without"});
}

}  // namespace detail

VOS_INLINE std::unique_ptr<FrameSource> open_source(const SourceSpec& spec) {
  if (lower_case(spec.input).starts_with("synthetic:")) return open_synthetic(spec);
  detail::refuse_without_opencv("reading pictures and videos", "input '" + spec.input + "'");
}

VOS_INLINE VideoReader::VideoReader(const SourceSpec& spec) : source_(open_source(spec)) {}
VOS_INLINE VideoReader::VideoReader(const std::string& input) : VideoReader(SourceSpec{.input = input}) {}

VOS_INLINE Catalog open_catalog(const CatalogSpec& spec) {
  detail::refuse_without_opencv("reading a dataset", spec.root.string());
}

VOS_INLINE at::Tensor read_image(const std::filesystem::path& path, std::int64_t) {
  detail::refuse_without_opencv("reading a picture", path.string());
}

VOS_INLINE at::Tensor read_labels(const std::filesystem::path& path) {
  detail::refuse_without_opencv("reading a label map", path.string());
}

VOS_INLINE void write_labels(const std::filesystem::path& path, const at::Tensor&) {
  detail::refuse_without_opencv("writing a label map", path.string());
}

VOS_INLINE std::unique_ptr<ResultSink> open_sink(const SinkSpec& spec) {
  if (spec.format == "rle") return std::make_unique<RleSink>(spec);
  detail::refuse_without_opencv("the format '" + spec.format + "'", "open_sink");
}

VOS_INLINE VideoWriter::VideoWriter(const std::filesystem::path& path, double, const VideoWriterOptions&) {
  detail::refuse_without_opencv("writing a video", path.string());
}

}  // namespace vos

#endif
