#include "projects.hpp"

#include <algorithm>
#include <string>
#include <system_error>

#include <vos/core/text.hpp>
#include <vos/io/files.hpp>
#include <vos/io/image_names.hpp>
#include <vos/io/zip.hpp>
#include <vos/vos.hpp>

namespace vos::serve {

std::vector<ModelChoice> model_choices(const ProjectSpec& spec) {
  std::vector<ModelChoice> choices;
  std::vector<std::string> names;
  for (const auto& model : list_models()) {
    names.push_back(model.name);
    if (model.name == spec.model && model.needs_weights && spec.weights.empty())
      throw Error({.what = "model '" + model.name + "' needs weights",
                   .where = "--model",
                   .mend = "name them by --weights",
                   .exit_code = exit_code::usage});
    if (model.needs_weights && model.name != spec.model) continue;
    ModelChoice choice{.name = model.name, .detects = !model.needs_prompt, .summary = model.summary};
    if (model.name == spec.model) choices.insert(choices.begin(), std::move(choice));
    else choices.push_back(std::move(choice));
  }
  if (choices.empty() || choices.front().name != spec.model)
    throw Error({.what = "there is no model '" + printable(spec.model) + "'" + did_you_mean(spec.model, names),
                 .where = "--model",
                 .mend = "models: " + join(names, ", "),
                 .exit_code = exit_code::usage});
  return choices;
}

std::filesystem::path unpack_pictures(const std::filesystem::path& zip) {
  auto folder = zip;
  folder.replace_extension(".pictures");
  if (std::filesystem::is_directory(folder)) return folder;
  // A small file can claim to unpack to any size.
  constexpr std::int64_t most_pictures = 100'000, most_bytes = std::int64_t{1} << 32;
  const ZipReader reader{zip, {.entries = most_pictures, .entry_bytes = std::int64_t{1} << 27}};
  auto growing = folder;
  growing += ".part";
  std::error_code ignored;
  std::filesystem::remove_all(growing, ignored);
  make_folder(growing);
  std::int64_t bytes = 0;
  for (const auto& name : reader.names()) {
    const std::filesystem::path path{name};
    if (!detail::has_extension(path, image_extensions) || path.filename().string().starts_with(".") ||
        name.starts_with("__MACOSX"))
      continue;
    auto flat = name;
    std::replace(flat.begin(), flat.end(), '/', '_');
    const auto picture = reader.read(name);
    write_file(growing / flat, picture);
    if ((bytes += static_cast<std::int64_t>(picture.size())) > most_bytes) break;
  }
  if (bytes == 0 || bytes > most_bytes) {
    std::filesystem::remove_all(growing, ignored);
    if (bytes > 0)
      throw Error({.what = "the pictures in this zip have more than 4 GB",
                   .where = zip.filename().string(),
                   .mend = "send fewer, or a video"});
    throw Error({.what = "there is no picture in this zip",
                 .where = zip.filename().string(),
                 .mend = "put pictures into it, one for each frame"});
  }
  std::filesystem::rename(growing, folder);
  return folder;
}

ProjectSpec with_pictures(const ProjectSpec& spec) {
  auto unpacked = spec;
  if (spec.input.ends_with(".zip")) unpacked.input = unpack_pictures(spec.input).string();
  return unpacked;
}

}  // namespace vos::serve
