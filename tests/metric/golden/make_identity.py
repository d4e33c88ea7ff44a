#!/usr/bin/env python3
"""Makes identity.txt: random sequences of strips of labels, and what a second implementation says of their identities.

    python make_identity.py > identity.txt        needs numpy (2.4.6) and scipy (1.17.1)

A line holds a sequence and its numbers:
    frames {truth guess} numbers...       a strip is a digit a pixel, 0 for none
The last line has the numbers of all sequences together, after a 0. Assignments may have ties, which leave several answers:
sequences whose numbers change where objects and tracks are numbered the other way round are not taken.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

EPS = np.finfo(float).eps
ALPHAS = np.arange(0.05, 0.99, 0.05)
NAMES = ("TP FP FN IDSW Frag MT PT ML MOTA sMOTSA MOTSP MODSA MOTAL IDTP IDFP IDFN IDF1 IDP IDR HOTA DetA AssA AssRe AssPr "
         "LocA HOTA0 OWTA ATA given_switches confused explained").split()


class Sequence:
    def __init__(self, frames, turned):
        ids = lambda which: sorted({int(v) for f in frames for v in f[which]} - {0}, reverse=turned)
        self.gt_ids, self.tr_ids = ids(0), ids(1)
        self.frames = []
        for truth, guess in frames:
            truth, guess = np.array(truth), np.array(guess)
            g = [i for i, v in enumerate(self.gt_ids) if (truth == v).any()]
            k = [i for i, v in enumerate(self.tr_ids) if (guess == v).any()]
            s = np.zeros((len(g), len(k)))
            for a, i in enumerate(g):
                for b, j in enumerate(k):
                    one, two = truth == self.gt_ids[i], guess == self.tr_ids[j]
                    s[a, b] = (one & two).sum() / (one | two).sum()
            self.frames.append((np.array(g, int), np.array(k, int), s))
        self.gt_count = np.zeros(len(self.gt_ids))
        self.tr_count = np.zeros(len(self.tr_ids))
        for g, k, _ in self.frames:
            self.gt_count[g] += 1
            self.tr_count[k] += 1


def clear(seq):
    c = dict.fromkeys("TP FP FN IDSW Frag MT PT ML".split(), 0)
    c["iou"] = 0.0
    n = len(seq.gt_ids)
    last, before = np.full(n, -1), np.full(n, -1)
    matched, starts = np.zeros(n), np.zeros(n)
    for g, k, s in seq.frames:
        if len(g) == 0 or len(k) == 0:
            c["FP"] += len(k)
            c["FN"] += len(g)
            continue
        score = s + 1000 * (k[None, :] == before[g][:, None])
        score[s < 0.5 - EPS] = 0
        rows, cols = linear_sum_assignment(-score)
        take = score[rows, cols] > EPS
        rows, cols = rows[take], cols[take]
        c["IDSW"] += int(((last[g[rows]] >= 0) & (last[g[rows]] != k[cols])).sum())
        last[g[rows]] = k[cols]
        now = np.full(n, -1)
        now[g[rows]] = k[cols]
        starts += (before < 0) & (now >= 0)
        before = now
        matched[g[rows]] += 1
        c["TP"] += len(rows)
        c["FP"] += len(k) - len(rows)
        c["FN"] += len(g) - len(rows)
        c["iou"] += s[rows, cols].sum()
    ratio = matched / seq.gt_count
    c["MT"] = int((ratio > 0.8).sum())
    c["PT"] = int((ratio >= 0.2).sum()) - c["MT"]
    c["ML"] = n - c["MT"] - c["PT"]
    c["Frag"] = int((starts[starts > 0] - 1).sum())
    return c


def identity(seq):
    ng, nt = len(seq.gt_ids), len(seq.tr_ids)
    together = np.zeros((ng, nt))
    for g, k, s in seq.frames:
        together[np.ix_(g, k)] += s >= 0.5
    fp, fn = np.zeros((ng + nt, ng + nt)), np.zeros((ng + nt, ng + nt))
    fp[ng:, :nt] = fn[:ng, nt:] = 1e10
    for i in range(ng):
        fn[i, :nt] = fn[i, nt + i] = seq.gt_count[i]
    for j in range(nt):
        fp[:ng, j] = fp[ng + j, j] = seq.tr_count[j]
    fp[:ng, :nt] -= together
    fn[:ng, :nt] -= together
    rows, cols = linear_sum_assignment(fp + fn)
    missed, wrong = int(fn[rows, cols].sum()), int(fp[rows, cols].sum())
    return dict(IDTP=int(seq.gt_count.sum()) - missed, IDFP=wrong, IDFN=missed)


def hota(seq):
    ng, nt = len(seq.gt_ids), len(seq.tr_ids)
    potential = np.zeros((ng, nt))
    for g, k, s in seq.frames:
        below = s.sum(0)[None, :] + s.sum(1)[:, None] - s
        potential[np.ix_(g, k)] += np.divide(s, below, out=np.zeros_like(s), where=below > EPS)
    align = potential / (seq.gt_count[:, None] + seq.tr_count[None, :] - potential)
    tp, fp, fn, loc = (np.zeros(19) for _ in range(4))
    count = np.zeros((19, ng, nt))
    for g, k, s in seq.frames:
        rows, cols = linear_sum_assignment(-(align[np.ix_(g, k)] * s))
        for a, alpha in enumerate(ALPHAS):
            take = s[rows, cols] >= alpha - EPS
            n = int(take.sum())
            tp[a] += n
            fn[a] += len(g) - n
            fp[a] += len(k) - n
            loc[a] += s[rows[take], cols[take]].sum()
            count[a, g[rows[take]], k[cols[take]]] += 1
    pairs = seq.gt_count[:, None] + seq.tr_count[None, :] - count
    weight = np.maximum(1, tp)
    return dict(tp=tp, fp=fp, fn=fn,
                assa=(count * count / np.maximum(1, pairs)).sum((1, 2)) / weight,
                assre=(count * count / np.maximum(1, seq.gt_count[None, :, None])).sum((1, 2)) / weight,
                asspr=(count * count / np.maximum(1, seq.tr_count[None, None, :])).sum((1, 2)) / weight,
                loca=np.where(tp > 0, loc / weight, 1))


def accuracy(seq):
    ng, nt = len(seq.gt_ids), len(seq.tr_ids)
    total, both = np.zeros((ng, nt)), np.zeros((ng, nt))
    for g, k, s in seq.frames:
        total[np.ix_(g, k)] += s
        both[np.ix_(g, k)] += 1
    value = total / (seq.gt_count[:, None] + seq.tr_count[None, :] - both)
    rows, cols = linear_sum_assignment(-value)
    return dict(stda=value[rows, cols].sum(), tracks=ng + nt)


def given(seq):
    switches = confused = explained = 0
    worn = list(seq.gt_ids)
    for g, k, s in seq.frames:
        for a, i in enumerate(g):
            labels = [seq.tr_ids[j] for b, j in enumerate(k) if s[a, b] >= 0.5 - EPS]
            if not labels:
                continue
            label = seq.gt_ids[i] if seq.gt_ids[i] in labels else labels[0]
            switches += label != worn[i]
            worn[i] = label
            explained += 1
            confused += label != seq.gt_ids[i]
    return dict(given_switches=switches, confused=confused, explained=explained)


def counts_of(frames, turned=False):
    seq = Sequence(frames, turned)
    return dict(clear=clear(seq), identity=identity(seq), hota=hota(seq), accuracy=accuracy(seq), given=given(seq))


def together(many):
    total = {part: {key: sum(m[part][key] for m in many) for key in many[0][part]} for part in many[0]}
    weight = np.maximum(1, total["hota"]["tp"])
    for key in ("assa", "assre", "asspr", "loca"):
        total["hota"][key] = sum(m["hota"][key] * m["hota"]["tp"] for m in many) / weight
    total["hota"]["loca"] = np.where(total["hota"]["tp"] > 0, total["hota"]["loca"], 1)
    return total


def numbers_of(c):
    v = dict(c["clear"], **c["identity"], **c["given"])
    masks = v["TP"] + v["FN"]
    share = lambda x: x / masks if masks else 0.0
    v["MOTA"] = share(v["TP"] - v["FP"] - v["IDSW"])
    v["sMOTSA"] = share(v["iou"] - v["FP"] - v["IDSW"])
    v["MOTSP"] = v["iou"] / v["TP"] if v["TP"] else 0.0
    v["MODSA"] = share(v["TP"] - v["FP"])
    v["MOTAL"] = share(v["TP"] - v["FP"] - (np.log10(v["IDSW"]) if v["IDSW"] else 0))
    v["IDP"] = v["IDTP"] / max(1, v["IDTP"] + v["IDFP"])
    v["IDR"] = v["IDTP"] / max(1, v["IDTP"] + v["IDFN"])
    v["IDF1"] = 2 * v["IDTP"] / max(1, 2 * v["IDTP"] + v["IDFP"] + v["IDFN"])
    h = c["hota"]
    det = h["tp"] / np.maximum(1, h["tp"] + h["fp"] + h["fn"])
    detre = h["tp"] / np.maximum(1, h["tp"] + h["fn"])
    v.update(HOTA=np.sqrt(det * h["assa"]).mean(), DetA=det.mean(), AssA=h["assa"].mean(), AssRe=h["assre"].mean(),
             AssPr=h["asspr"].mean(), LocA=h["loca"].mean(), HOTA0=np.sqrt(det * h["assa"])[0],
             OWTA=np.sqrt(detre * h["assa"]).mean())
    v["ATA"] = c["accuracy"]["stda"] / max(1, c["accuracy"]["tracks"]) * 2
    return [float(v[name]) for name in NAMES]


def random_frames(random):
    """Objects that drift along a strip, and guesses that shift, vanish, appear, and change their labels."""
    width, objects = int(random.integers(12, 25)), int(random.integers(1, 5))
    at, length = random.uniform(0, width, objects), random.integers(2, 8, objects)
    speed = random.normal(0, 1, objects)
    label = {i + 1: i + 1 for i in range(objects)}
    frames = []
    for _ in range(random.integers(3, 13)):
        truth, guess = [0] * width, [0] * width
        if random.random() < 0.3 and objects > 1:
            i, j = random.choice(objects, 2, replace=False) + 1
            label[i], label[j] = label[j], label[i]
        if random.random() < 0.15:
            label[int(random.integers(objects)) + 1] = int(random.integers(1, 10))
        for i in range(objects):
            if random.random() < 0.15:
                continue
            begin = int(at[i])
            shift = int(random.integers(-2, 3)) if random.random() < 0.4 else 0
            for x in range(begin, begin + int(length[i])):
                if 0 <= x < width:
                    truth[x] = i + 1
                if 0 <= x + shift < width and random.random() < 0.97:
                    guess[x + shift] = label[i + 1]
        if random.random() < 0.15:
            guess = [0] * width
        if random.random() < 0.2:
            x = int(random.integers(width - 3))
            guess[x : x + 3] = [9] * 3
        at = (at + speed) % width
        frames.append((truth, guess))
    return frames


def main():
    random = np.random.default_rng(5)
    taken = []
    while len(taken) < 200:
        frames = random_frames(random)
        counts, turned = counts_of(frames), counts_of(frames, True)
        numbers = numbers_of(counts)
        if not np.allclose(numbers, numbers_of(turned), atol=1e-13):
            continue
        taken.append(counts)
        strips = ("".join(str(v) for v in strip) for frame in frames for strip in frame)
        print(len(frames), *strips, *(f"{n:.13g}" for n in numbers))
    print(0, *(f"{n:.13g}" for n in numbers_of(together(taken))))


if __name__ == "__main__":
    main()
