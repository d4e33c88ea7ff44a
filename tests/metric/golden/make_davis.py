"""Writes davis.json: small label videos and what each protocol says of them, computed the plain way with numpy.

    python3 make_davis.py > davis.json        numpy 2.4.6, scipy 1.17.1

Nothing here is shared with the code under test: masks are boolean pictures, a dilation tries each offset of the disk, and
bins, means and matchings are written out. Numbers are not rounded.
"""
import json
import math

import numpy as np
from scipy.optimize import linear_sum_assignment

VOID = 255


def boundary(mask):
    m = mask.astype(bool)
    h, w = m.shape
    b = np.zeros((h, w), bool)
    for y in range(h):
        for x in range(w):
            right = x + 1 < w and m[y, x] != m[y, x + 1]
            below = y + 1 < h and m[y, x] != m[y + 1, x]
            diagonal = y + 1 < h and x + 1 < w and m[y, x] != m[y + 1, x + 1]
            b[y, x] = right or below or diagonal
    return b


def lattice(radius):
    """Offsets that a disk holds; a radius that is no whole number samples points off the centre."""
    points = np.arange(-radius, radius + 1)
    anchor = len(points) // 2
    return [(i - anchor, j - anchor) for i, y in enumerate(points) for j, x in enumerate(points)
            if y * y + x * x <= radius * radius]


def dilate(b, offsets):
    """The maximum over the pixels that the offsets lead to, as a filter with that kernel has it."""
    h, w = b.shape
    out = np.zeros_like(b)
    for dy, dx in offsets:
        for y, x in np.argwhere(b):
            if 0 <= y - dy < h and 0 <= x - dx < w:
                out[y - dy, x - dx] = True
    return out


def exact(shape):
    return 0.008 * math.sqrt(shape[0] ** 2 + shape[1] ** 2)


CACHE = {}


def contour(mask, radius):
    key = (mask.tobytes(), mask.shape, radius)
    if key not in CACHE:
        b = boundary(mask)
        CACHE[key] = b, dilate(b, lattice(radius))
    return CACHE[key]


def f_measure(truth, guess, radius=None):
    radius = math.ceil(exact(truth.shape)) if radius is None else radius
    (bt, dt), (bg, dg) = contour(truth, radius), contour(guess, radius)
    nt, ng = int(bt.sum()), int(bg.sum())
    if nt == 0 and ng == 0:
        precision, recall = 1.0, 1.0
    elif nt == 0:
        precision, recall = 0.0, 1.0
    elif ng == 0:
        precision, recall = 1.0, 0.0
    else:
        precision, recall = int((bg & dt).sum()) / ng, int((bt & dg).sum()) / nt
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def j_measure(truth, guess):
    union = int((truth | guess).sum())
    return 1.0 if union == 0 else int((truth & guess).sum()) / union


def statistics(values):
    v = np.array(values, float)
    n = len(v)
    ids = np.round(np.linspace(1, n, 5) + 1e-10).astype(int) - 1
    bins = [v[ids[k]:ids[k + 1] + 1] for k in range(4)]
    return [float(v.mean()), float((v > 0.5).mean()), float(bins[0].mean() - bins[3].mean())]


def entry(name, j, f):
    return {"id": name, "J": j, "F": f, "J_statistics": statistics(j) if j else None,
            "F_statistics": statistics(f) if f else None}


def semi(truth, guess):
    first = truth[0]
    count = int(first[first != VOID].max(initial=0))
    objects = []
    for k in range(1, count + 1):
        j = [j_measure(t == k, g == k) for t, g in zip(truth[1:-1], guess[1:-1])]
        f = [f_measure(t == k, g == k) for t, g in zip(truth[1:-1], guess[1:-1])]
        objects.append(entry(k, j, f))
    return objects


def unsupervised(truth, guess):
    first = truth[0]
    count = int(first[first != VOID].max(initial=0))
    proposals = max(count, max(int(g.max()) for g in guess))
    j = np.zeros((count, proposals, len(truth)))
    f = np.zeros_like(j)
    for t, (a, b) in enumerate(zip(truth, guess)):
        seen = a != VOID
        for o in range(count):
            for p in range(proposals):
                j[o, p, t] = j_measure((a == o + 1) & seen, (b == p + 1) & seen)
                f[o, p, t] = f_measure((a == o + 1) & seen, (b == p + 1) & seen)
    score = (j.mean(2) + f.mean(2)) / 2
    rows, columns = linear_sum_assignment(-score)
    objects = []
    for o, p in zip(rows, columns):
        objects.append(entry(int(o) + 1, j[o, p].tolist(), f[o, p].tolist()) | {"proposal": int(p) + 1})
    return objects


def growing(truth, guess):
    seen, real, j, f = [], set(), {}, {}
    for t, g in zip(truth[1:-1], guess[1:-1]):
        for k in sorted(set(np.unique(t)) | set(np.unique(g))):
            if k != 0 and k not in seen:
                seen.append(int(k))
        real |= {int(k) for k in np.unique(t)} - {0}
        for k in seen:
            j.setdefault(k, []).append(j_measure(t == k, g == k))
            f.setdefault(k, []).append(f_measure(t == k, g == k))
    objects = []
    for k in sorted(real):
        jf = (np.array(j[k]) + np.array(f[k])) / 2
        v = math.sqrt(np.round(np.mean((jf - jf.mean()) ** 2), 4))
        objects.append(entry(k, j[k], f[k]) | {"V": v})
    return objects


def after_entry(truth, guess):
    objects = []
    for k in sorted({int(k) for t in truth for k in np.unique(t)} - {0}):
        first = min(i for i, t in enumerate(truth) if (t == k).any())
        pairs = list(zip(truth, guess))[first + 1:]
        objects.append(entry(k, [j_measure(t == k, g == k) for t, g in pairs], [f_measure(t == k, g == k) for t, g in pairs]))
    return objects


def adaptive(truth, guess, compat):
    objects = []
    ids = sorted({int(k) for t in [truth[0], *truth[1:-1]] for k in np.unique(t)} - {0})
    for k in ids:
        rows, present = [], []
        for t, g in zip(truth[1:-1], guess[1:-1]):
            t, g = t == k, g == k
            union, area = int((t | g).sum()), int(t.sum())
            j = 1.0 if union == 0 else min(1.0, (int((t & g).sum()) + 1) / (union + 1))
            limit = exact(t.shape)
            own = math.ceil(0.1 * math.sqrt(area))
            whole = math.ceil(limit)
            if area == 0:
                f_dot = f = f_measure(t, g, whole)
            elif own <= limit:
                f_dot, f = f_measure(t, g, own), f_measure(t, g, whole)
            else:
                f_dot = f = f_measure(t, g, limit if compat else whole)
            rows.append([j, f_dot, f])
            present.append(area > 0)
        both = [(r[0] + r[1]) / 2 for r in rows]
        absent, returned, begin = [], [], 0
        while begin < len(present):
            end = begin
            while end < len(present) and present[end] == present[begin]:
                end += 1
            if begin > 0:
                (returned if present[begin] else absent).append(sum(both[begin:end]) / (end - begin))
            begin = end
        objects.append({"id": k, "rows": rows, "disappear": sum(absent) / len(absent) if absent else None,
                        "reappear": sum(returned) / len(returned) if returned else None})
    return objects


def single(truth, guess):
    return semi([(t > 0) * 1 for t in truth], [(g > 0) * 1 for g in guess])


def runs(labels):
    flat, out, begin = labels.ravel(), [], 0
    for end in range(1, len(flat) + 1):
        if end == len(flat) or flat[end] != flat[begin]:
            out += [int(flat[begin]), end - begin]
            begin = end
    return out


def ellipse(shape, cy, cx, ry, rx):
    y, x = np.mgrid[:shape[0], :shape[1]]
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1


def video(random, shape, frames, ids, enters=None, absent=None, void=False, offset=1.0, extra=()):
    """Ellipses that drift; the guess is displaced, resized, now and then lost, and has ids of its own."""
    enters, absent = enters or {}, absent or {}
    body = {k: [random.uniform(0.2, 0.8) * shape[0], random.uniform(0.2, 0.8) * shape[1],
                random.uniform(0.08, 0.3) * shape[0], random.uniform(0.08, 0.3) * shape[1],
                random.uniform(-1, 1), random.uniform(-2, 2)] for k in [*ids, *extra]}
    truth, guess = [], []
    for t in range(frames):
        a, b = np.zeros(shape, int), np.zeros(shape, int)
        for k in ids:
            if t < enters.get(k, 0) or t in absent.get(k, ()):
                continue
            cy, cx, ry, rx, vy, vx = body[k]
            a[ellipse(shape, cy + vy * t, cx + vx * t, ry, rx)] = k
            if random.uniform() < 0.9:
                b[ellipse(shape, cy + vy * t + offset * random.normal(), cx + vx * t + offset * random.normal(),
                          ry * random.uniform(0.8, 1.2), rx * random.uniform(0.8, 1.2))] = k
        for k in extra:
            cy, cx, ry, rx, vy, vx = body[k]
            b[ellipse(shape, cy + vy * t, cx + vx * t, ry, rx)] = k
        if void:
            a[ellipse(shape, shape[0] / 2, shape[1] * random.uniform(0.3, 0.7), shape[0] / 8, shape[1] / 6)] = VOID
        truth.append(a)
        guess.append(b)
    return truth, guess


def main():
    random = np.random.default_rng(4)
    small, large = (24, 70), (130, 260)
    full, empty = np.ones(small, int), np.zeros(small, int)
    swapped = video(random, small, 9, [1, 2])
    swapped = swapped[0], [np.array([0, 2, 1])[g] if t >= 4 else g for t, g in enumerate(swapped[1])]
    videos = {
        "two objects": video(random, small, 10, [1, 2]),
        "objects that leave and return": video(random, small, 12, [1, 2, 3], absent={1: (3, 4, 5), 2: (1, 2, 8), 3: range(6, 12)}),
        "void": video(random, small, 8, [1, 2], void=True),
        "late objects and gaps in the ids": video(random, small, 9, [2, 5], enters={5: 4}),
        "ids that only the guess has": video(random, small, 8, [1, 2], extra=(3, 7)),
        "ids exchanged half-way": swapped,
        "a mask of the whole picture": ([full] * 6, [full, full, empty, full, full, empty]),
        "an object that is never there again": ([full, empty, empty, empty, empty], [full, empty, full, empty, empty]),
        "three frames": video(random, small, 3, [1]),
        "a tolerance above a pixel": video(random, large, 5, [1, 2], offset=2.0),
        "objects of all sizes": video(random, (150, 300), 5, [1, 2, 3], absent={2: (2,)}, offset=1.5),
    }
    golden = {}
    for name, (truth, guess) in videos.items():
        h, w = truth[0].shape
        golden[name] = {
            "height": h, "width": w, "truth": [runs(t) for t in truth], "guess": [runs(g) for g in guess],
            "semi": semi(truth, guess), "single": single(truth, guess), "unsupervised": unsupervised(truth, guess),
            "growing": growing(truth, guess), "after_entry": after_entry(truth, guess),
            "mosev2": adaptive(truth, guess, False), "mosev2_compat": adaptive(truth, guess, True)}
    print("{\n" + ",\n".join(json.dumps(k) + ": " + json.dumps(v, separators=(",", ":")) for k, v in golden.items()) + "\n}")


main()
