#pragma once

#include <cstdio>
#include <string>

namespace vos {

/// "3.4 s", "12 min 05 s"
inline std::string duration_text(double seconds) {
  if (!(seconds < 1e9)) return "–";
  char text[64];
  if (seconds < 100) std::snprintf(text, sizeof text, "%.1f s", seconds);
  else if (seconds < 6000) std::snprintf(text, sizeof text, "%d min %02d s", int(seconds) / 60, int(seconds) % 60);
  else std::snprintf(text, sizeof text, "%d h %02d min", int(seconds) / 3600, int(seconds) / 60 % 60);
  return text;
}

}  // namespace vos
