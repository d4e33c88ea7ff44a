#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vos/core/sizes.hpp>
#include <vos/core/text.hpp>
#include <vos/weights/dtype.hpp>

namespace vos {

/// What became of each tensor of a file and of a module when one was loaded into the other.
struct LoadReport {
  struct Key {
    std::string name = {};
    std::vector<std::int64_t> sizes = {};
    DType dtype = DType::f32;
    std::string nearest = {};  ///< of a missing one: the unexpected name that it may go by
  };
  struct Rename {
    std::string file, module;
  };
  struct Misfit {
    std::string key = {};  ///< in the module
    Key file = {}, module = {};
    std::string why = {};  ///< where shape and type do not tell
  };
  struct NotFinite {
    std::string key = {};
    std::int64_t count = 0;  ///< of NaN and infinities
  };

  std::string where = {};                             ///< the file
  std::int64_t module_tensors = 0, file_tensors = 0;  ///< tied tensors of the module count once
  std::int64_t outside = 0;                           ///< tensors of the file beyond the part that was asked for
  std::int64_t loaded = 0;                            ///< tensors of the module that have the file's values now
  std::vector<Rename> renamed = {};                   ///< those of them that go by another name in the file
  std::vector<Key> missing = {}, unexpected = {};     ///< what no rule allows for
  std::vector<Misfit> misshapen = {};                 ///< neither the same shape nor made to fit
  std::vector<std::string> clashes = {};              ///< two values for one tensor, or one for two; in words
  std::vector<Key> absent = {}, dropped = {}, untouched = {};  ///< optional; unneeded; left alone: as the rules allow
  std::vector<Misfit> fitted = {}, kept = {};  ///< resized; of another shape, so that the initial value stayed
  std::vector<NotFinite> not_finite = {};      ///< loaded all the same

  /// Tensors of the module that still have the values they were made with.
  std::int64_t at_init() const { return module_tensors - loaded; }

  /// Whether the rules account for everything.
  bool complete() const { return missing.empty() && unexpected.empty() && misshapen.empty() && clashes.empty(); }

  /// "343 of 346 tensors loaded, 3 missing, …"
  std::string summary() const {
    std::string text = std::to_string(loaded) + " of " + std::to_string(module_tensors) + " tensors loaded";
    const auto add = [&](const auto& list, const char* name) {
      if (!list.empty()) text += ", " + std::to_string(list.size()) + " " + name;
    };
    add(missing, "missing");
    add(unexpected, "unexpected");
    add(misshapen, "of another shape");
    add(clashes, "in conflict");
    add(fitted, "resized");
    add(kept, "kept at their initial values");
    add(absent, "absent, which is allowed");
    add(dropped, "dropped");
    add(untouched, "left alone");
    add(not_finite, "with NaN or infinities");
    if (outside > 0) text += ", " + std::to_string(outside) + " in other parts of the file";
    return text;
  }

  /// The summary and a table with at most `rows` lines of each kind.
  std::string text(std::size_t rows = 20) const {
    std::string text = summary();
    const auto part = [&](const auto& list, const char* title, const auto& line) {
      if (list.empty()) return;
      text += std::string{"\n  "} + title + "\n    " + join_first(list, rows, "\n    ", line);
    };
    const auto key = [](const Key& k) { return printable(k.name) + " " + text_of_sizes(k.sizes); };
    const auto misfit = [](const Misfit& m) {
      const auto type = [&](const Key& k) {
        return text_of_sizes(k.sizes) +
               (m.file.dtype != m.module.dtype ? " " + std::string{info_of(k.dtype).name} : std::string{});
      };
      return m.key + ": " + type(m.file) + " in the file, " + type(m.module) + " in the model" +
             (m.why.empty() ? "" : "; " + m.why);
    };
    part(missing, "missing in the file:", [&](const Key& k) {
      return key(k) + (k.nearest.empty() ? "" : "   (the file has '" + printable(k.nearest) + "')");
    });
    part(unexpected, "unexpected in the file:", key);
    part(misshapen, "of another shape:", misfit);
    part(clashes, "in conflict:", [](const std::string& clash) { return clash; });
    part(fitted, "resized:", misfit);
    part(kept, "kept at their initial values, as the file's shape is another:", misfit);
    part(absent, "absent in the file, which is allowed:", key);
    part(dropped, "dropped, as nothing needs them:", key);
    part(untouched, "left alone, as asked for:", key);
    part(not_finite,
         "not finite:", [](const NotFinite& n) { return n.key + ": " + std::to_string(n.count) + " values"; });
    return text;
  }
};

}  // namespace vos
