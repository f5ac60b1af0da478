#!/usr/bin/env python3
"""Makes tests/ends/{unary,binary,rules,rows}.txt: functions and their first derivatives at their ends, by mpmath.

Run with a Python that has mpmath and numpy:  python3 tools/golden/ends.py
Inputs are f32 numbers: zeros of both signs, infinities, NaN, the largest and the smallest, thresholds of overflow and
underflow, deep tails, whole numbers, powers of two and ten, and numbers of f16 and bf16 that went wrong once. Results
have 60 digits inside and 13 in the file; `-` stands for what has no value to speak of (a derivative of NaN). Infinite
inputs give limits. Lines: function x value slope; function x y value slope_x slope_y; rule value grad new_value;
function of a row, 4 numbers, results, and what a cotangent of (1, -2, 3, 0.5), or 1, gives for each of the 4.
"""
import os

import mpmath as mp
import numpy as np

mp.mp.dps = 60
OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "ends")
INF, NAN = mp.inf, mp.nan
LARGEST = float(np.finfo(np.float32).max)
HUGE = [1e15, 1.1258999e15, -1.2e15, 1e20, 2.0**60, 2.0**100, -1e30, 3e38]  # as angles

BASE = [0.0, 1.401298464e-45, 1e-40, 1.17549435e-38, 1e-20, 1e-5, 2.0**-12, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 3.015625, 3.0625, 5.0,
        6.0, 7.0, 9.0, 10.0, 13.0, 17.0, 20.0, 30.5, 44.5, 87.0, 88.5, 89.0, 100.0, 103.5, 256.0, 1000.0, 65504.0, 1e10, LARGEST]
POINTS = [s * x for x in BASE for s in (1.0, -1.0)]


def f32(x):
    return mp.mpf(float(np.float32(x)))


def sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x > -1e6 else mp.exp(x)


def gaussian(x):
    return mp.exp(-x * x)


def erfc(x):
    return mp.erfc(x) if x < 1000 else mp.mpf(0)


def cdf(x):
    return erfc(-x / mp.sqrt(2)) / 2


def gated(gate, gate_slope):
    return lambda x: x * gate(x), lambda x: gate(x) + x * gate_slope(x)


def swish(c):
    return gated(lambda x: sigmoid(c * x), lambda x: c * sigmoid(c * x) * sigmoid(-c * x))


def gelu_tanh_u(x):
    return 2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)


def gelu_tanh_gate_slope(x):
    u = gelu_tanh_u(x)
    return sigmoid(u) * sigmoid(-u) * 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * x * x)


def mish_gate(x):
    q = mp.exp(x) * (mp.exp(x) + 2)
    return q / (q + 2)


def mish_gate_slope(x):
    e = mp.exp(x)
    return 4 * e * (e + 1) / (e * (e + 2) + 2) ** 2


def log1p_exp(x):
    return mp.log1p(mp.exp(x)) if x < 200 else x + mp.exp(-x)


def erf_inv(x):
    if abs(x) > 1:
        return NAN
    if abs(x) == 1:
        return x * INF
    return mp.erfinv(x)


def real(f):
    """NaN where f is not real."""
    def g(x):
        y = f(x)
        return y.real if mp.im(y) == 0 else NAN
    return g


def cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


def log_like(scale):
    return (lambda x: NAN if x < 0 else -INF if x == 0 else mp.log(x) * scale), (lambda x: scale / x if x > 0 else INF)


def zero(x):
    return mp.mpf(0)


def one(x):
    return mp.mpf(1)


def tanh_slope(x):
    return 4 * sigmoid(2 * x) * sigmoid(-2 * x)


def sinh(x):
    return mp.sinh(x) if abs(x) < 1e4 else mp.sign(x) * mp.mpf(10) ** 1000


def cosh(x):
    return mp.cosh(x) if abs(x) < 1e4 else mp.mpf(10) ** 1000


ALPHA, SELU = mp.mpf("1.6732632423543772848170429916717"), mp.mpf("1.0507009873554804934193349852946")
SLOPE = mp.mpf("0.01")
LN2, LN10 = mp.log(2), mp.log(10)

# name: (f, f', (f, f') at -inf, (f, f') at inf, further points)
UNARY = {
    "neg": (lambda x: -x, lambda x: -one(x), (INF, -1), (-INF, -1), []),
    "abs": (abs, mp.sign, (INF, -1), (INF, 1), []),
    "sign": (mp.sign, zero, (-1, 0), (1, 0), []),
    "floor": (mp.floor, zero, (-INF, 0), (INF, 0), [-0.5, 0.999999]),
    "ceil": (mp.ceil, zero, (-INF, 0), (INF, 0), [-0.5, 1.000001]),
    "round": (mp.nint, zero, (-INF, 0), (INF, 0), [2.5, 0.49999997, 8388609.0]),
    "trunc": (lambda x: mp.sign(x) * mp.floor(abs(x)), zero, (-INF, 0), (INF, 0), [-1.999999]),
    "exp": (mp.exp, mp.exp, (0, 0), (INF, INF), [88.72283, 88.722839, 88.72284, -87.33654, -103.97208, -103.97209]),
    "exp2": (lambda x: mp.mpf(2) ** x if abs(x) < 1e5 else mp.exp(x), lambda x: (mp.mpf(2) ** x if abs(x) < 1e5 else mp.exp(x)) * LN2,
             (0, 0), (INF, INF), [127.0, 127.99999, 128.0, -126.0, -149.0, -149.5, -150.0, 24.0]),
    "expm1": (mp.expm1, mp.exp, (-1, 0), (INF, INF), [88.722839, 88.72284, -17.5]),
    "log": (*log_like(mp.mpf(1)), (NAN, None), (INF, 0), [0.99999994, 1.0000001]),
    "log2": (*log_like(1 / LN2), (NAN, None), (INF, 0), [0.99999994, 1.0000001] + [2.0**k for k in (-149, -126, -20, -1, 4, 31, 127)]),
    "log10": (*log_like(1 / LN10), (NAN, None), (INF, 0), [0.99999994, 1.0000001] + [10.0**k for k in range(-3, 11)]),
    "log1p": (lambda x: NAN if x < -1 else -INF if x == -1 else mp.log1p(x), lambda x: 1 / (1 + x) if x != -1 else INF,
              (NAN, None), (INF, 0), [-0.99999994, -0.75]),
    "sqrt": (real(mp.sqrt), lambda x: 1 / (2 * mp.sqrt(x)) if x > 0 else INF, (NAN, None), (INF, 0), [4.0, 1e38]),
    "rsqrt": (lambda x: INF if x == 0 else real(lambda v: 1 / mp.sqrt(v))(x), lambda x: -x**mp.mpf(-1.5) / 2 if x > 0 else -INF,
              (NAN, None), (0, 0), [4.0, 1e38]),
    "cbrt": (cbrt, lambda x: 1 / (3 * cbrt(x) ** 2) if x != 0 else INF, (-INF, 0), (INF, 0), [27.0, -8.0]),
    "sin": (mp.sin, mp.cos, (NAN, None), (NAN, None), [3.1415927, 1.5707964, 6.2831855, 100000.0, *HUGE]),
    "cos": (mp.cos, lambda x: -mp.sin(x), (NAN, None), (NAN, None), [3.1415927, 1.5707964, 6.2831855, 100000.0, *HUGE]),
    "tan": (mp.tan, lambda x: 1 / mp.cos(x) ** 2, (NAN, None), (NAN, None), [3.1415927, 1.5707964, 0.7853982, *HUGE]),
    "tanh": (mp.tanh, tanh_slope, (-1, 0), (1, 0), [9.01, -9.5, 40.0, 52.0]),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x), (0, 0), (1, 0), [16.7, 103.9]),
    "sinh": (sinh, cosh, (-INF, INF), (INF, INF), [30.0, 31.0, 89.4, 89.41598, 89.41599, 89.416]),
    "cosh": (cosh, sinh, (INF, -INF), (INF, INF), [30.0, 31.0, 89.4, 89.41598, 89.41599, 89.416]),
    "erf": (lambda x: mp.erf(x) if abs(x) < 100 else mp.sign(x), lambda x: 2 / mp.sqrt(mp.pi) * gaussian(x), (-1, 0), (1, 0), [3.9, 4.1]),
    "erfc": (lambda x: erfc(x), lambda x: -2 / mp.sqrt(mp.pi) * gaussian(x), (2, 0), (0, 0), [4.0, 9.19, 9.3, 10.05, 10.06]),
    "erf_inv": (erf_inv, lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(erf_inv(x) ** 2) if abs(x) < 1 else INF, (NAN, None), (NAN, None),
                [0.99999994, -0.99999994, 0.9, 0.999]),
    "reciprocal": (lambda x: 1 / x if x != 0 else INF, lambda x: -1 / (x * x) if x != 0 else -INF, (0, 0), (0, 0), [4.0, 3e38]),
    "square": (lambda x: x * x, lambda x: 2 * x, (INF, -INF), (INF, INF), [1.8446743e19, 1.8446744e19]),
    "cube": (lambda x: x**3, lambda x: 3 * x * x, (-INF, INF), (INF, INF), [6e12, 8e12]),
    "power_17": (lambda x: x**17, lambda x: 17 * x**16, (-INF, INF), (INF, INF), [1.01, -1.7, 180.0, 190.0]),
    "relu": (lambda x: max(x, mp.mpf(0)), lambda x: mp.mpf(x > 0), (0, 0), (INF, 1), []),
    "relu6": (lambda x: min(max(x, mp.mpf(0)), mp.mpf(6)), lambda x: mp.mpf(0 < x < 6), (0, 0), (6, 0), []),
    "leaky_relu": (lambda x: x if x > 0 else x * SLOPE, lambda x: mp.mpf(1) if x > 0 else SLOPE, (-INF, SLOPE), (INF, 1), []),
    "elu": (lambda x: x if x > 0 else mp.expm1(x), lambda x: mp.mpf(1) if x > 0 else mp.exp(x), (-1, 0), (INF, 1), []),
    "selu": (lambda x: SELU * (x if x > 0 else ALPHA * mp.expm1(x)), lambda x: SELU * (mp.mpf(1) if x > 0 else ALPHA * mp.exp(x)),
             (-SELU * ALPHA, 0), (INF, SELU), []),
    "gelu": (*gated(cdf, lambda x: gaussian(x / mp.sqrt(2)) / mp.sqrt(2 * mp.pi)), (0, 0), (INF, 1), [-0.7517916, -14.0, -13.2]),
    "gelu_tanh": (*gated(lambda x: sigmoid(gelu_tanh_u(x)), gelu_tanh_gate_slope), (0, 0), (INF, 1), [-0.752, -8.5]),
    "quick_gelu": (*swish(mp.mpf("1.702")), (0, 0), (INF, 1), [-0.75, -50.0]),
    "silu": (*swish(mp.mpf(1)), (0, 0), (INF, 1), [-1.2784645]),
    "mish": (*gated(mish_gate, mish_gate_slope), (0, 0), (INF, 1), [-1.1924]),
    "hard_sigmoid": (lambda x: min(max(x + 3, mp.mpf(0)), mp.mpf(6)) / 6, lambda x: mp.mpf(-3 < x < 3) / 6, (0, 0), (1, 0),
                     [2.9999998, 3.0000002, -2.9999998, -3.0000002]),
    "hard_swish": (lambda x: x * min(max(x + 3, mp.mpf(0)), mp.mpf(6)) / 6,
                   lambda x: mp.mpf(0) if x <= -3 else mp.mpf(1) if x >= 3 else x / 3 + mp.mpf(0.5), (0, 0), (INF, 1),
                   [2.9999998, 3.0000002, -2.9999998, -3.0000002]),
    "softplus": (log1p_exp, sigmoid, (0, 0), (INF, 1), [-16.7, 16.7]),
    "log_sigmoid": (lambda x: -log1p_exp(-x), lambda x: sigmoid(-x), (-INF, 1), (0, 0), [-16.7, 16.7]),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, (-1, 0), (1, 0), [1e19]),
}
ODD = {"sign", "round", "trunc", "expm1", "log1p", "sqrt", "cbrt", "sin", "tan", "tanh", "sinh", "erf", "erf_inv", "cube", "power_17",
       "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "quick_gelu", "silu", "mish", "hard_swish", "softsign", "floor", "ceil"}
# -0 is at the end of the domain, or on the other side of a pole.
NO_SLOPE_AT_MINUS_ZERO = {"log", "log2", "log10", "sqrt", "rsqrt", "reciprocal"}


def text(v):
    if v is None:
        return "-"
    v = mp.mpf(v) if not isinstance(v, mp.mpf) else v
    if mp.isnan(v):
        return "nan"
    if mp.isinf(v):
        return "inf" if v > 0 else "-inf"
    if v == 0:
        return "0"
    if abs(v) > mp.mpf(10) ** 300:
        return "1e300" if v > 0 else "-1e300"
    if abs(v) < mp.mpf(10) ** -60:
        return "1e-60" if v > 0 else "-1e-60"
    return mp.nstr(v, 13, min_fixed=0, max_fixed=0) if v != mp.nint(v) or abs(v) > 1e6 else mp.nstr(v, 13)


def number(x):
    return f"{np.float32(x):.9g}"


def unary_lines():
    for name, (f, slope, low, high, more) in UNARY.items():
        for x in list(dict.fromkeys(number(p) for p in POINTS + more + [-INF, INF, NAN])):
            v = float(x)
            if v != v:
                yield f"{name} nan nan -"
            elif v in (np.inf, -np.inf):
                at = low if v < 0 else high
                yield f"{name} {x} {text(at[0])} {text(at[1])}"
            else:
                y = f(f32(v))
                s = None if mp.isnan(y) else slope(f32(v))
                value = text(y)
                if x == "-0":
                    if name in ODD or name == "neg":
                        value = "0" if name == "neg" else "-0"
                    if name in ("reciprocal", "rsqrt"):
                        value = "-inf"
                    if name in NO_SLOPE_AT_MINUS_ZERO:
                        s = None
                elif name == "neg" and x == "0":
                    value = "-0"
                yield f"{name} {x} {value} {text(s)}"


def power(x, y):
    return mp.power(x, y) if x > 0 else (mp.mpf(0) if y > 0 else mp.mpf(1) if y == 0 else INF) if x == 0 else mp.power(x, y)


def pow_slopes(x, y):
    if x == 0:
        by_x = (mp.mpf(1) if y == 1 else mp.mpf(0) if y > 1 or y == 0 else INF * y)
        return by_x, (mp.mpf(0) if y >= 0 else -INF)
    return y * mp.power(x, y - 1), mp.power(x, y) * mp.log(x)


def atan2_slopes(y, x):
    s = x * x + y * y
    return (mp.mpf(0), mp.mpf(0)) if s == 0 else (x / s, -y / s)


def log_add_exp(x, y):
    return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))


def cut_log(x):
    return max(mp.log(x), mp.mpf(-100)) if x > 0 else mp.mpf(-100)


def bce(p, y):
    return -(y * cut_log(p) + (1 - y) * cut_log(1 - p))


def bce_slopes(p, y):
    return (p - y) / max(p * (1 - p), mp.mpf("1e-12")), cut_log(1 - p) - cut_log(p)


def huber(x, y):
    d = abs(x - y)
    return d * d / 2 if d <= 1 else d - mp.mpf(0.5)


def huber_slopes(x, y):
    s = max(min(x - y, mp.mpf(1)), mp.mpf(-1))
    return s, -s


def kl(x, y):
    return y * (mp.log(y) - x) if y > 0 else mp.mpf(0)


def kl_slopes(x, y):
    return (-y, mp.log(y) + 1 - x) if y > 0 else (mp.mpf(0), mp.mpf(0))


WIDE = [0.0, 1e-30, -1e-10, 0.5, -1.0, 1.0, 3.0, -17.0, 88.0, -103.0, 1e20, -1e30]
EXPONENTS = [0.0, 1.0, -1.0, 0.5, 2.0, -0.5, 3.0, 17.0, 1e-20]
LOGITS = [0.0, 1e-30, -1e-10, 0.5, -1.0, 3.0, -3.0625, 17.0, -17.0, 20.0, -20.0, 88.0, -88.0, 103.0, -103.0, 1e30, -1e30]
SHARES = [0.0, 1e-30, 1e-13, 1e-5, 0.25, 0.5, 0.75, 0.99999994, 1.0]
BINARY = {
    "pow": (power, pow_slopes, [0.0, 1e-38, 1e-10, 0.5, 1.0, 2.0, 10.0, 1000.0, 1e19, 1e38], EXPONENTS),
    "atan2": (mp.atan2, atan2_slopes, WIDE, WIDE),
    "log_add_exp": (log_add_exp, lambda x, y: (sigmoid(x - y), sigmoid(y - x)), WIDE, WIDE),
    "mse": (lambda x, y: (x - y) ** 2, lambda x, y: (2 * (x - y), 2 * (y - x)), WIDE, WIDE[:6]),
    "l1": (lambda x, y: abs(x - y), lambda x, y: (mp.sign(x - y), mp.sign(y - x)), WIDE, WIDE[:6]),
    "huber": (huber, huber_slopes, WIDE, [0.0, 0.25, 1.0, -2.0]),
    "bce": (bce, bce_slopes, SHARES, SHARES),
    "bce_with_logits": (lambda x, y: log1p_exp(x) - x * y, lambda x, y: (sigmoid(x) - y, -x), LOGITS, [0.0, 0.25, 1.0]),
    "kl_div": (kl, kl_slopes, [-1e20, -100.0, -1.0, -1e-5, 0.0], SHARES),
}


def binary_lines():
    for name, (f, slopes, xs, ys) in BINARY.items():
        for x in xs:
            for y in ys:
                a, b = f32(x), f32(y)
                s = slopes(a, b)
                yield f"{name} {number(x)} {number(y)} {text(f(a, b))} {text(s[0])} {text(s[1])}"


# The first update from a state of zeros, with the options of tests/ends/rules_test.cpp.
LR = mp.mpf(float(np.float64(0.01)))


def sgd(w, g):
    return w - LR * g


def adam(w, g):
    return w - LR * g / (abs(g) + mp.mpf("1e-8"))


def adamw(w, g):
    return adam(w * (1 - LR * mp.mpf("0.01")), g)


def adagrad(w, g):
    return w - LR * g / (abs(g) + mp.mpf("1e-10"))


def rmsprop(w, g):
    return w - LR * g / (mp.sqrt(mp.mpf("0.01")) * abs(g) + mp.mpf("1e-8"))


def rmsprop_centred(w, g):
    return w - LR * g / (mp.sqrt(mp.mpf("0.01") - mp.mpf("0.0001")) * abs(g) + mp.mpf("1e-8"))


RULES = {"sgd": sgd, "adam": adam, "adamw": adamw, "adagrad": adagrad, "rmsprop": rmsprop, "rmsprop_centred": rmsprop_centred}
WEIGHTS = [0.0, 1.0, -3.0, 0.0999755859375, 1024.0]
GRADS = [0.0, 2.0**-24, 2.0**-14, -0.00390625, 0.1, 1.0, -7.0, 256.0, 60000.0, 1e10]


def rule_lines():
    for name, f in RULES.items():
        for w in WEIGHTS:
            for g in GRADS:
                yield f"{name} {number(w)} {number(g)} {text(f(f32(w), f32(g)))}"


ROWS = [[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 3.0, 4.0], [1000.0, 1001.0, 999.0, -1000.0], [-1e30, 0.0, 1e30, 1e30], [-103.0, -1.0, 0.0, 20.0],
        [1e-30, 2e-30, -3e-30, 0.0], [-INF, 0.0, 1.0, -INF], [-INF, -INF, -INF, -INF], [300.0, 300.0, 300.0, 300.0], [1e-3, 5.0, 5.001, 1e4],
        [65504.0, -65504.0, 1.0, 0.0]]
COTANGENT = [mp.mpf(c) for c in (1, -2, 3, 0.5)]


def shares(x):
    """softmax; 0 where all are -inf, whose log-sum has no slope."""
    top = max(x)
    if top == -INF:
        return [mp.mpf(0)] * 4
    e = [mp.exp(v - top) if v != -INF else mp.mpf(0) for v in x]
    return [v / mp.fsum(e) for v in e]


def logsumexp(x):
    top = max(x)
    return top if top == -INF else top + mp.log(mp.fsum([mp.exp(v - top) if v != -INF else mp.mpf(0) for v in x]))


def normalised(x, centre, epsilon):
    mean = mp.fsum(x) / 4 if centre else mp.mpf(0)
    scale = 1 / mp.sqrt(mp.fsum([(v - mean) ** 2 for v in x]) / 4 + epsilon)
    y = [(v - mean) * scale for v in x]
    along = mp.fsum([c * v for c, v in zip(COTANGENT, y)]) / 4
    sideways = mp.fsum(COTANGENT) / 4 if centre else mp.mpf(0)
    return y, [scale * (c - sideways - v * along) for c, v in zip(COTANGENT, y)]


def row_softmax(x):
    p = shares(x)
    along = mp.fsum([c * v for c, v in zip(COTANGENT, p)])
    return p, [v * (c - along) for c, v in zip(COTANGENT, p)]


def row_log_softmax(x):
    p, total = shares(x), mp.fsum(COTANGENT)
    return [v - logsumexp(x) for v in x], [c - v * total for c, v in zip(COTANGENT, p)]


def row_cross_entropy(x):
    return [logsumexp(x) - x[1]], [v - (i == 1) for i, v in enumerate(shares(x))]


def row_variance(x):
    mean = mp.fsum(x) / 4
    return [mp.fsum([(v - mean) ** 2 for v in x]) / 4], [(v - mean) / 2 for v in x]


def is_finite(x):
    return all(abs(v) < 1e15 for v in x)


OF_ROWS = {
    "softmax": (row_softmax, lambda x: x[0] > -INF or x[1] > -INF),
    "log_softmax": (row_log_softmax, lambda x: min(x) > -INF),
    "cross_entropy": (row_cross_entropy, lambda x: min(x) > -INF),
    "logsumexp": (lambda x: ([logsumexp(x)], shares(x)), lambda x: True),
    "mean": (lambda x: ([mp.fsum(x) / 4], [mp.mpf(0.25)] * 4), is_finite),
    "variance": (row_variance, is_finite),
    "layer_norm": (lambda x: normalised(x, True, mp.mpf("1e-5")), is_finite),
    "rms_norm": (lambda x: normalised(x, False, mp.mpf("1e-6")), is_finite),
}


def row_lines():
    for name, (f, takes) in OF_ROWS.items():
        for row in ROWS:
            x = [v if v in (INF, -INF) else f32(v) for v in row]
            if takes(x):
                y, slopes = f(x)
                yield " ".join([name, *(number(v) for v in row), *(text(v) for v in y + slopes)])


def main():
    for file, lines in (("unary", unary_lines), ("binary", binary_lines), ("rules", rule_lines), ("rows", row_lines)):
        with open(os.path.join(OUT, file + ".txt"), "w") as out:
            out.write(f"# Written by tools/golden/ends.py with mpmath {mp.__version__}.\n")
            out.writelines(line + "\n" for line in lines())


if __name__ == "__main__":
    main()
