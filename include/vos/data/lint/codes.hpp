#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <string_view>
#include <utility>

#include <vos/data/catalog.hpp>

namespace vos {

/// A kind of finding. Codes are stable: scripts may rely on them.
struct FindingKind {
  std::string_view code = {};
  Finding::Level level = Finding::Level::error;
  std::string_view meaning = {};  ///< of the code in general
  std::string_view mend = {};
};

/// All kinds of findings. Errors break training or teach it something wrong; warnings are suspicious and may be meant;
/// notes explain.
inline constexpr std::array finding_kinds{
    // Names and lists.
    FindingKind{"unreadable-list", Finding::Level::error, "a list or annotation file cannot be read", ""},
    FindingKind{"missing-video", Finding::Level::error, "a list names a video that is not there",
                "add the video's folder, or take its name out of the list"},
    FindingKind{"unlisted-video", Finding::Level::warning, "a video is there, but no list names it",
                "add its name to a list if it is to be used"},
    FindingKind{"listed-twice", Finding::Level::warning, "a list names a video twice", "take out one of the two"},
    FindingKind{"empty-video", Finding::Level::error, "a video's folder holds no images",
                "add its frames, or take the video away"},
    FindingKind{"missing-image", Finding::Level::error, "a list names an image that is not there",
                "add the image, or take its name out of the list"},
    FindingKind{"same-stem", Finding::Level::error, "two images or masks of a video differ in their extension alone",
                "keep one of them: masks and outputs go by the name without extension"},
    FindingKind{"mask-without-frame", Finding::Level::error, "a mask belongs to no frame",
                "name it like its frame, add the frame, or remove the mask"},
    FindingKind{"frame-without-mask", Finding::Level::warning, "a frame has no mask, though most of its video's do",
                "add the mask, all 0 if the frame shows no object"},
    FindingKind{"video-without-masks", Finding::Level::error, "no frame of a video has a mask",
                "add the masks, or take the video away"},
    FindingKind{"missing-mask", Finding::Level::error, "a list says that a frame shows an object, but it has no mask",
                "add the mask, or correct the list"},
    FindingKind{"length-differs", Finding::Level::error, "a list gives a video another length than it has",
                "write the list again from the files"},
    FindingKind{"short-video", Finding::Level::warning, "a video has a single frame, too few for a clip",
                "use such images as a set of pictures (--layout pairs)"},
    FindingKind{"bad-label-line", Finding::Level::error, "a line of a label file cannot be read",
                "write a class number and at least three points as fractions: CLASS X Y X Y X Y"},
    FindingKind{"unknown-category", Finding::Level::error, "an annotation has a category that is not in the list",
                "add the category to the list, or correct the annotation"},
    FindingKind{"no-list", Finding::Level::note, "there is no list of this split: all videos were taken",
                "write the names of its videos into a text file, one a line, if not all are meant"},
    // Images.
    FindingKind{"unreadable-image", Finding::Level::error, "an image cannot be decoded", "export or copy it again"},
    FindingKind{"cut-image", Finding::Level::error, "an image file is cut short", "export or copy it again"},
    FindingKind{"wrong-extension", Finding::Level::warning, "an image is of another kind than its name says",
                "rename it: some readers go by the name"},
    FindingKind{"size-changes", Finding::Level::error, "frames of one video differ in size",
                "bring all frames of a video to one size, and their masks with them"},
    FindingKind{"size-unlike-list", Finding::Level::error, "an image has another size than its list says",
                "correct height and width in the list, or use the images that it was made for"},
    FindingKind{"duplicate-frame", Finding::Level::warning, "a frame is pixel by pixel the one before",
                "remove it, and its mask: it teaches that nothing moves"},
    // Masks in image files.
    FindingKind{"unreadable-mask", Finding::Level::error, "a mask cannot be decoded",
                "export it again from its source"},
    FindingKind{"jpeg-mask", Finding::Level::error, "a mask is a JPEG: compression has changed its ids",
                "export it again as an indexed (palette) or grey PNG"},
    FindingKind{"rgb-mask", Finding::Level::error, "a mask is a colour picture: an editor has destroyed its palette",
                "export it again as an indexed (palette) PNG; ids cannot be told from colours"},
    FindingKind{"mask-size-differs", Finding::Level::error, "a mask has another size than its frame",
                "crop or pad the mask to its frame's size; scaling it would shift its edges"},
    FindingKind{"empty-mask", Finding::Level::warning, "a mask shows no object",
                "nothing to do if all objects are hidden or outside there, else draw it again"},
    FindingKind{"binary-mask", Finding::Level::warning, "a mask of 0 and 255 stands where ids are expected",
                "write the object's id instead of 255"},
    FindingKind{"object-255", Finding::Level::warning, "a mask uses 255, which this layout does not reserve for void",
                "turn it into 0, or into a free id if it is an object"},
    FindingKind{"void-255", Finding::Level::note, "masks use 255 for pixels that count for nothing", ""},
    FindingKind{"id-gap", Finding::Level::warning, "ids of a video leave numbers out",
                "nothing to do if an object was taken away on purpose; else look for an object that lost its id"},
    FindingKind{"object-never-visible", Finding::Level::warning, "a list names an object that no mask shows",
                "take it out of the list, or draw it"},
    FindingKind{"unlisted-object", Finding::Level::warning, "a mask shows an object that the list does not name",
                "add it to the list, or remove it from the masks"},
    // Masks in lists.
    FindingKind{"rle-size", Finding::Level::error, "a mask in a list has another size than its video",
                "write the annotation again from its source"},
    FindingKind{"rle-damaged", Finding::Level::error, "a mask in a list cannot be decoded",
                "write the annotation again from its source"},
    FindingKind{"empty-annotation", Finding::Level::warning, "a mask in a list has no pixels",
                "write null where the object is not visible"},
    FindingKind{"bad-polygon", Finding::Level::error, "a polygon has fewer than three points or is no list of numbers",
                "write the annotation again from its source"},
    FindingKind{"polygon-outside", Finding::Level::warning, "a polygon reaches outside its image",
                "clip it to the image; perhaps it was drawn at another size"},
};

/// The kind of that code, which must be in the table.
inline const FindingKind& finding_kind(std::string_view code) {
  const auto found =
      std::find_if(finding_kinds.begin(), finding_kinds.end(), [&](const auto& kind) { return kind.code == code; });
  assert(found != finding_kinds.end());
  return *found;
}

inline Finding finding(std::string_view code, std::string where, std::string what) {
  const auto& kind = finding_kind(code);
  return {kind.level, std::string{code}, std::move(where), std::move(what), std::string{kind.mend}};
}

inline std::string_view level_name(Finding::Level level) {
  return level == Finding::Level::error ? "error" : level == Finding::Level::warning ? "warning" : "note";
}

}  // namespace vos
