#pragma once

/// The cheap front door: types, seams and makers; no model, no OpenCV. Link `vos-torch` and this is all you need, or
/// include <vos/models.hpp> as well and use headers only.

#include <vos/error.hpp>
#include <vos/frame/frame.hpp>
#include <vos/frame/label_map.hpp>
#include <vos/io/draw.hpp>
#include <vos/io/image.hpp>
#include <vos/io/labels.hpp>
#include <vos/io/sink.hpp>
#include <vos/io/source.hpp>
#include <vos/io/video_reader.hpp>
#include <vos/io/video_writer.hpp>
#include <vos/segment/any.hpp>
#include <vos/segment/segmenter.hpp>
#include <vos/segment/spec.hpp>
#include <vos/version.hpp>
