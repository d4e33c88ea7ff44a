#pragma once

/// Frames in, masks out: the whole of io/, with the bodies behind its OpenCV-free headers, and datasets.

#include <vos/data/open_catalog.hpp>
#include <vos/io/drawing.hpp>
#include <vos/io/encoder.hpp>
#include <vos/io/image_files.hpp>
#include <vos/io/label_files.hpp>
#include <vos/io/open.hpp>
#include <vos/io/sinks.hpp>
#include <vos/io/video_reader.hpp>
