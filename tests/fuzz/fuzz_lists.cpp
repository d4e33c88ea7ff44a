// Lists of datasets: the first byte says of what kind the text behind it is. Every refusal is an Error, every name that is
// accepted stays inside the dataset, and every outline that is accepted decodes or is refused in turn.
#include <vos/data/catalog/davis.hpp>
#include <vos/data/catalog/image_size.hpp>
#include <vos/data/catalog/json_kind.hpp>
#include <vos/data/catalog/meta.hpp>
#include <vos/data/catalog/yolo.hpp>
#include <vos/data/lint/list_masks.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

/// Below any folder, and not the folder above it.
void expect_inside(const std::string& name) {
  const auto path = (std::filesystem::path{"/root"} / name).lexically_normal().string();
  expect(path == "/root" || path.starts_with("/root/"));
}

void davis(std::string_view text) {
  const auto list = vos::detail::davis_list(text, "fuzz");
  for (const auto& video : list.videos) expect_inside(video);
  expect(list.frames.size() <= text.size() && list.videos.size() <= text.size());
}

void meta(std::string_view text) {
  const auto json = std::make_shared<const simdjson::padded_string>(text);
  vos::Catalog catalog;
  for (const auto& video : vos::detail::MetaReader{json, "fuzz"}.videos()) {
    const std::vector<vos::CatalogFrame> frames{{.stem = "00000"}, {.stem = "00005"}};
    const vos::detail::FrameIndex index{frames};
    for (const auto& object : video.objects) {
      expect(object.id > 0 && object.id <= 65535);
      const auto indexes = index.indexes(object, [](const std::string&) {});
      expect(indexes.size() <= frames.size());
    }
    expect_inside(vos::detail::inner_name(video.name, "fuzz"));
  }
}

void yolo(std::string_view text) {
  for (const auto& line : vos::detail::lines_of(text, "fuzz", vos::detail::yolo_line_limit)) {
    std::string fault;
    const auto object = vos::detail::yolo_object(line.text, fault);
    expect(object.has_value() == fault.empty());
    if (!object) continue;
    vos::CatalogVideo video{.name = "x", .frames = {{.stem = "x"}}};
    video.objects.push_back({.id = 1, .masks = {{.form = vos::MaskText::Form::fractions, .json = object->outline}}});
    vos::SeenFrame seen;
    vos::detail::look_at_listed(video, 0, 24, 32, seen);
    expect(seen.findings.size() + seen.listed.size() > 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
  try {
    switch (data[0]) {
      case 'd': davis(text); break;
      case 'm': meta(text); break;
      case 'y': yolo(text); break;
      case 'n': {
        const auto names = vos::detail::yolo_names(text, "fuzz");
        expect(names.size() <= size);
        expect(names.empty() || (names.begin()->first >= 0 && names.rbegin()->first <= vos::detail::yolo_class_limit));
        break;
      }
      case 's': vos::detail::image_size({data + 1, size - 1}); break;
      default: {
        vos::detail::JsonKindFinder finder;
        for (const char c : text)
          if (!finder.take(c)) break;
      }
    }
  } catch (const vos::Error&) {
  }
  return 0;
}
