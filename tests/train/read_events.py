#!/usr/bin/env python3
"""What TensorBoard's own reader finds in a run's event files, as JSON.

    read_events.py FOLDER      FOLDER is RUN/tensorboard, or the run itself

{"scalars": {TAG: [[STEP, VALUE], ...]}, "pictures": {TAG: [[STEP, WIDTH, HEIGHT], ...]},
 "histograms": {TAG: [[STEP, LEAST, MOST, COUNT, SUM, BUCKETS], ...]}}. Each picture is decoded, and the counts of a histogram's
buckets must add up to its count. Exit code 77 without TensorBoard, 1 where something does not fit.
"""

import io
import json
import sys
from pathlib import Path

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("there is no tensorboard in this Python: pip install tensorboard", file=sys.stderr)
    sys.exit(77)


def png_size(data):
    """Width and height; Pillow decodes it all where it is there."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit("a picture is no PNG")
    size = [int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")]
    try:
        from PIL import Image
    except ImportError:
        return size
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        if list(picture.size) != size:
            sys.exit("a picture is not as large as it says")
    return size


def main(folder):
    inner = Path(folder) / "tensorboard"
    reader = EventAccumulator(str(inner if inner.is_dir() else folder), size_guidance={"scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    reader.Reload()
    tags = reader.Tags()
    found = {"scalars": {}, "pictures": {}, "histograms": {}}
    for tag in tags["scalars"]:
        found["scalars"][tag] = [[event.step, event.value] for event in reader.Scalars(tag)]
    for tag in tags["images"]:
        for event in reader.Images(tag):
            size = png_size(event.encoded_image_string)
            if size != [event.width, event.height]:
                sys.exit(f"{tag}: a picture of {size} is said to have {event.width} x {event.height}")
            found["pictures"].setdefault(tag, []).append([event.step, *size])
    for tag in tags["histograms"]:
        for event in reader.Histograms(tag):
            value = event.histogram_value
            if len(value.bucket) != len(value.bucket_limit) or sum(value.bucket) != value.num:
                sys.exit(f"{tag}: {len(value.bucket)} buckets hold {sum(value.bucket)} of {value.num} values")
            if list(value.bucket_limit) != sorted(value.bucket_limit):
                sys.exit(f"{tag}: the ends of the buckets do not rise")
            found["histograms"].setdefault(tag, []).append(
                [event.step, value.min, value.max, value.num, value.sum, len(value.bucket)]
            )
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
