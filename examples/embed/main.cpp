// A program of its own that uses an installed vos: tracks the objects of a built-in clip from the masks of its first frame.
#include <iostream>

#include <vos/vos.hpp>

int main() try {
  vos::VideoReader video{"synthetic:crossing,frames=8,size=160x96"};
  auto segmenter = vos::make_segmenter({.model = "hold"});  // the model that every build has; "flow" where OpenCV is
  for (const vos::Frame& frame : video) {
    if (frame.index == 0) segmenter.prompt(frame, video.source().truth(frame.index));
    const vos::FrameResult result = segmenter.push(frame);
    std::cout << "frame " << frame.index << ':';
    for (const auto& object : result.objects) std::cout << " object " << object.id << " score " << object.score;
    std::cout << '\n';
  }
} catch (const vos::Error& error) {
  std::cerr << "embed: " << error.what() << '\n';
  return error.parts().exit_code;
}
