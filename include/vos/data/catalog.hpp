#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <vos/data/mask_text.hpp>
#include <vos/fwd.hpp>

namespace vos {

/// How a dataset lies on disk.
enum class Layout { davis, ytvos, mose, lvos, ytvis, coco, pairs, yolo, folder };

struct CatalogFrame {
  std::string stem = {};  ///< what outputs are called
  std::filesystem::path image = {};
  std::filesystem::path labels = {};  ///< the label map, empty where this frame has none
};

/// An object as the dataset's lists know it; where it has no lists, `CatalogVideo::objects` is empty and the label maps tell.
struct CatalogObject {
  std::int64_t id = 0;         ///< in label maps where there are some, else the annotation's
  std::int32_t category = -1;  ///< index into Catalog::categories, -1 unknown
  bool crowd = false;
  std::vector<std::int64_t> frames = {};  ///< indexes of the frames it is listed for, rising; empty where no list says
  std::vector<MaskText> masks = {};       ///< [frames of the video] where masks stand in a list, else empty
};

/// A video, or an image as a video of one frame.
struct CatalogVideo {
  std::string name = {};
  std::int64_t height = 0, width = 0;  ///< 0 where no list says
  std::int64_t number = 0;             ///< the dataset's own, by which results name it; 0 where it has none
  std::vector<CatalogFrame> frames = {};
  std::vector<CatalogObject> objects = {};
};

struct CatalogCategory {
  std::int64_t id = 0;  ///< the dataset's own number
  std::string name = {};
};

/// What the lists and the folders do not agree about, found without opening an image.
struct Finding {
  enum class Level { note, warning, error };
  Level level = Level::error;
  std::string code = {};   ///< stable, kebab-case: "missing-image"
  std::string where = {};  ///< file, or file and key
  std::string what = {};
  std::string mend = {};
};

/// What a dataset holds, by names and lists alone; no image has been opened.
struct Catalog {
  Layout layout = Layout::folder;
  std::string taken_for = {};  ///< a sentence for people: what it was recognised as, and by what
  std::filesystem::path root = {};
  std::string split = {};
  std::vector<CatalogCategory> categories = {};
  std::vector<CatalogVideo> videos = {};  ///< by name, but for lists that give an order of their own
  bool binary_masks = false;              ///< masks of 0 and 255: one object, 1 (DAVIS 2016)
  bool void_255 = false;                  ///< 255 in a label map is void, not an object
  std::vector<Finding> findings = {};
  std::shared_ptr<const void> keeps = {};  ///< owns the bytes that the videos' MaskTexts look into
};

/// What to open. Empty fields take what the layout usually means.
struct CatalogSpec {
  std::string layout = "auto";  ///< or davis, ytvos, mose, lvos, ytvis, coco, pairs, yolo, folder
  std::filesystem::path root = {};
  std::string split = {};       ///< "train", "val", "valid", "test-dev", …; empty: the only one, or train
  std::string year = {};        ///< DAVIS: "2016" or "2017"; empty: the newest there is
  std::string resolution = {};  ///< DAVIS: "480p" or "Full-Resolution"; empty: 480p if there
  bool all_frames = false;      ///< YouTube-VOS: the 30 fps frames
};

/// Reads names and lists. An Error if there is nothing that could be read as a dataset; lesser trouble becomes findings.
/// Defined in data/open_catalog.hpp.
VOS_INLINE Catalog open_catalog(const CatalogSpec& spec);

}  // namespace vos
