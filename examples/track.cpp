// Tracks the objects of one marked frame through a clip: track clip.mp4 first.png overlay.mp4
#include <iostream>

#include <vos/vos.hpp>

int main(int argc, char** argv) try {
  if (argc != 4) return std::cerr << "usage: track CLIP FIRST_MASK OVERLAY.mp4\n", 2;
  // [track]
  vos::VideoReader video{argv[1]};
  auto segmenter = vos::make_segmenter({.model = "flow"});
  vos::VideoWriter overlay{argv[3], video.fps()};
  for (const vos::Frame& frame : video) {
    if (frame.index == 0) segmenter.prompt(frame, vos::read_labels(argv[2]));
    vos::FrameResult result = segmenter.push(frame);  // ids, scores, boxes, label map at the frame's own size
    overlay.write(vos::draw(frame, result));
  }
  overlay.close();
  // [track]
} catch (const vos::Error& error) {
  std::cerr << "track: " << error.what() << '\n';
  return error.parts().exit_code;
}
