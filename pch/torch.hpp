/// Compiled once for the test executable that has many LibTorch sources; nothing of ours, so that touching one of our
/// headers does not compile it anew.
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>
