"""Average precision over videos as the YouTube-VIS evaluator computes it: per pair and per frame, in Python, on encoded
masks. A second implementation of the same rules, to compare with; needs numpy and pycocotools."""

from collections import defaultdict

import numpy as np
from pycocotools import mask as coco

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.arange(101) * 0.01
AREAS = [(0, 1e10), (0, 128**2), (128**2, 256**2), (256**2, 1e10)]
MOST = [1, 10, 100]


def mean_area(areas):
    areas = [a for a in areas if a]
    return float(np.mean(areas)) if areas else 0.0


def track_iou(found, truth):
    """found, truth: a list of encoded masks, None where absent."""
    both, either = 0.0, 0.0
    for d, g in zip(found, truth):
        if d and g:
            both += float(coco.area(coco.merge([d, g], intersect=True)))
            either += float(coco.area(coco.merge([d, g], intersect=False)))
        elif d or g:
            either += float(coco.area(d or g))
    return both / either if either > 0 else 0.0


def match_cell(truths, found, ious, area):
    """What becomes of each detection of a video and category: matched and ignored, [threshold, detection]."""
    ignore = [bool(g["iscrowd"]) or not area[0] <= g["avg_area"] <= area[1] for g in truths]
    order = np.argsort(np.array(ignore, int), kind="mergesort")
    truths, ignore = [truths[i] for i in order], [ignore[i] for i in order]
    ious = ious[:, order] if len(truths) else ious
    matched, ignored = np.zeros((10, len(found)), bool), np.zeros((10, len(found)), bool)
    for t, threshold in enumerate(THRESHOLDS):
        taken = [False] * len(truths)
        for d in range(len(found)):
            best, partner = min(threshold, 1 - 1e-10), -1
            for g, truth in enumerate(truths):
                if taken[g] and not truth["iscrowd"]:
                    continue
                if partner > -1 and not ignore[partner] and ignore[g]:
                    break
                if ious[d, g] < best:
                    continue
                best, partner = ious[d, g], g
            if partner > -1:
                taken[partner] = matched[t, d] = True
                ignored[t, d] = ignore[partner]
    outside = np.array([not area[0] <= d["avg_area"] <= area[1] for d in found], bool).reshape(1, -1)
    ignored |= ~matched & outside
    return matched, ignored, np.array(ignore, bool)


def evaluate(videos, categories, truths, found):
    """videos, categories: ids. truths: video_id, category_id, iscrowd, segmentations, areas. found: video_id, category_id,
    score, segmentations. Masks are encoded, None where absent. Gives the twelve numbers."""
    for g in truths:
        g["avg_area"] = mean_area(g["areas"])
    for d in found:
        d["avg_area"] = mean_area([float(coco.area(m)) if m else None for m in d["segmentations"]])
    by_cell = defaultdict(lambda: ([], []))
    for g in truths:
        by_cell[g["video_id"], g["category_id"]][0].append(g)
    for d in found:
        by_cell[d["video_id"], d["category_id"]][1].append(d)

    videos, categories = sorted(videos), sorted(categories)
    precision = -np.ones((10, 101, len(categories), 4, 3))
    recall = -np.ones((10, len(categories), 4, 3))
    for k, category in enumerate(categories):
        cells = []
        for video in videos:
            g, d = by_cell.get((video, category), ([], []))
            d = [d[i] for i in np.argsort([-x["score"] for x in d], kind="mergesort")][:100]
            ious = np.array([[track_iou(x["segmentations"], y["segmentations"]) for y in g] for x in d])
            if g or d:
                cells.append((g, d, ious.reshape(len(d), len(g))))
        for a, area in enumerate(AREAS):
            results = [(match_cell(g, d, ious, area), d) for g, d, ious in cells]
            count = sum(int((~r[2]).sum()) for r, _ in results)
            if not results or count == 0:
                continue
            for m, most in enumerate(MOST):
                scores = np.concatenate([[x["score"] for x in d[:most]] for _, d in results])
                order = np.argsort(-scores, kind="mergesort")
                matched = np.concatenate([r[0][:, :most] for r, _ in results], axis=1)[:, order]
                ignored = np.concatenate([r[1][:, :most] for r, _ in results], axis=1)[:, order]
                right = np.cumsum(matched & ~ignored, axis=1).astype(float)
                wrong = np.cumsum(~matched & ~ignored, axis=1).astype(float)
                for t in range(10):
                    rc = right[t] / count
                    pr = (right[t] / (wrong[t] + right[t] + np.spacing(1))).tolist()
                    recall[t, k, a, m] = rc[-1] if len(rc) else 0
                    for i in range(len(pr) - 1, 0, -1):
                        pr[i - 1] = max(pr[i - 1], pr[i])
                    precision[t, :, k, a, m] = 0
                    for r, at in enumerate(np.searchsorted(rc, RECALLS, side="left")):
                        if at < len(pr):
                            precision[t, r, k, a, m] = pr[at]

    def mean(table):
        table = table[table > -1]
        return float(np.mean(table)) if table.size else -1.0

    return [mean(precision[..., 0, 2]), mean(precision[0, ..., 0, 2]), mean(precision[5, ..., 0, 2]),
            mean(precision[..., 1, 2]), mean(precision[..., 2, 2]), mean(precision[..., 3, 2]),
            mean(recall[..., 0, 0]), mean(recall[..., 0, 1]), mean(recall[..., 0, 2]),
            mean(recall[..., 1, 2]), mean(recall[..., 2, 2]), mean(recall[..., 3, 2])]
