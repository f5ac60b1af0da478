// erf, erfc and erf_inv.
//
// erf: x P(x^2) up to 1; beyond, 1 - exp(Q(x)) with Q near log erfc, whose error shrinks with erfc itself. erfc: 1 -
// erf up to 1/2; beyond, exp(-x^2) P(t) / (|x| + k) with t = (|x| - k) / (|x| + k) and x^2 in two parts, so that its
// tail keeps its digits. erf_inv: x times a polynomial of w = -log((1 - x)(1 + x)) in the centre and of sqrt(w) in the
// tails. All by minimax fits (Remez, weighted by the relative error of the result: 2^-28 or better in f32, 2^-54 or
// better in f64). Measured (scalar_test.cpp): at most 2.4 ulp for erf, 4.7 erfc, 3.0 erf_inv; of every 37th f32 5.6
// erfc.
#include <cmath>

#include "strata/ops/scalar/scalar.h"

namespace strata::ops {
namespace {

constexpr double kErfSmallF32[] = {1.1283791659068703,   -0.37612627074530525, 0.11283599327981265,
                                   -0.02685440297662003, 0.00518944486801793,  -0.0008019947832688759,
                                   7.885847600789155e-05};
constexpr double kErfSmallF64[] = {1.1283791670955126,    -0.37612638903183754,    0.1128379167095512,
                                   -0.026866170645129854, 0.005223977625423432,    -0.0008548327021943173,
                                   0.0001205533290322017, -1.4925647576258549e-05, 1.6462045597349416e-06,
                                   -1.63646440391544e-07, 1.4792416245749925e-08,  -1.2164635662416118e-09,
                                   8.709258764311282e-11, -4.2311987723605e-12};
/// The same up to 1/2, where erfc takes 1 - erf.
constexpr double kErfCentreF32[] = {1.1283791563041283, -0.3761256116378022, 0.11282155451350351, -0.026722109779878593,
                                    0.004656273786798841};
/// log erfc around 2.5 (f32), and around 1.625 and 4.125 (f64: over one interval the terms near 1 would cancel).
constexpr double kErfLargeF32[] = {-7.806815300167828,    -5.352680688134523,     -0.9438923264730295,
                                   -0.010854241869037329, 0.0021670857482753206,  -0.00042822358428258627,
                                   6.475712944283551e-05, -2.029001874418741e-05, 2.5103597732799394e-07};
constexpr double kErfMiddleF64[] = {-3.837088703777943,     -3.733125959072621,     -0.9017850296578764,
                                    -0.023008967325312588,  0.005270029324236765,   -0.0011028409334865126,
                                    0.00019549045159489113, -2.396384642169435e-05, -4.966388073167326e-07,
                                    1.5001491930131789e-06, -5.830917342135159e-07, 1.5273074860593148e-07,
                                    -2.591372123259764e-08, -2.383529326030784e-10};
constexpr double kErfLargeF64[] = {-19.032542764478787,     -8.479911403648273,     -0.9748141648691186,
                                   -0.0035157459598485134,  0.0005284421807710223,  -8.111295122843461e-05,
                                   1.2303139293289425e-05,  -1.99641133925793e-06,  1.3666775559475348e-07,
                                   -1.1587126776301044e-07, -2.508187609074832e-08, -7.157288246846758e-09,
                                   -6.225630728869762e-10};
/// exp(x^2) erfc(x) (x + k) of t = (x - k) / (x + k): k = 3, x to 10.2 (f32) and k = 4, x to 27.4 (f64).
constexpr double kErfcF32[] = {1.0740069077670067,     -0.8833944864462312,  0.5902282985117416,
                               -0.3104660085215518,    0.11952906833836101,  -0.02683982611342216,
                               -0.0012264304010672436, 0.003080327655579247, -0.00048317754606104545,
                               -0.0003253335807757883};
constexpr double kErfcF64[] = {
    1.095995661000491,       -0.9765487290808821,     0.7732087022652367,     -0.540853831313225,
    0.3308515878780241,      -0.1740109372402902,     0.07638151490913382,    -0.026370053334617446,
    0.0061120556569407595,   -0.00028095891583809166, -0.0004550526899206415, 0.00017681308613512497,
    -3.6351454977238247e-06, -1.8861781076629716e-05, 4.694321834134513e-06,  1.4260804846054783e-06,
    -8.459964609901194e-07,  -7.795506771962423e-08,  1.2393416910868318e-07, 2.5879140296532967e-09,
    -1.5395251874348017e-08, -3.7425558372760094e-10, 1.0205824384774712e-09};
/// erf_inv(x) / x around w = 2.5 and sqrt(w) = 3.125.
constexpr double kInverseCentralF32[] = {1.5014093535192832,      0.24664028760693155,    -0.004177339442247151,
                                         -0.001252744631742482,   0.00021828266493110498, -4.961919262478464e-06,
                                         -3.4346223698379035e-06, 4.6589227349895353e-07, 1.8038577885340642e-08,
                                         -8.772759437327671e-09,  3.354794382071423e-10};
constexpr double kInverseTailF32[] = {2.9583201206817624,    1.0037185743659405,      0.007049638336340904,
                                      -0.00529841771793972,  0.00377748806796301,     -0.0025346525303657826,
                                      0.0013198153452835925, -0.00029758791206371414, -0.00017990226480690087,
                                      0.00011363971849952298};
/// The same around w = 3.125, sqrt(w) = 3.25 and sqrt(w) = 5.
constexpr double kInverseCentralF64[] = {
    1.6536545626831027,      0.24015818242558834,     -0.006033670871426996,   -0.0007407025341545544,
    0.00018673420802052952,  -1.3882523394197103e-05, -1.3654691772642086e-06, 4.2347881712030973e-07,
    -2.9070389895373316e-08, -4.112660642798402e-09,  1.0512225667583984e-09,  -5.4142946286335485e-11,
    -1.2978504105855572e-11, 2.6305034622565756e-12,  -8.07929335108726e-14,   -4.001589916972908e-14,
    6.533344344300579e-15,   -3.9877821880064146e-17, -1.2344895012744201e-16, 1.5545186562191742e-17,
    6.95676927748164e-19,    -3.487643410552857e-19,  1.6538903625266325e-20,  3.219360099397139e-21,
    -3.0015521841214816e-22};
constexpr double kInverseMiddleF64[] = {
    3.0838856104922208,     1.0052589676941657,     0.005370914553570905,    -0.003751208508262914,
    0.0024914420970184687,  -0.0016882755342525742, 0.0009532893630735112,   -0.00035503783081846117,
    2.4031263142427377e-05, 6.828724873619652e-05,  -4.7319015596174667e-05, 1.2464433382667089e-05,
    2.925824171751281e-06,  -3.984077906105689e-06, 1.4985460365361503e-06,  -3.0264956188911514e-08,
    -2.711866923216024e-07, 1.3394146518232214e-07, 6.34325175762138e-10,    -1.6187145279412857e-08};
constexpr double kInverseTailF64[] = {4.849906401408584,       1.0103004648645433,      -0.00013871931833692348,
                                      -0.00021503011971456796, 7.599527704675982e-05,   -1.9681772388434902e-05,
                                      4.52606241867457e-06,    -9.930183147060564e-07,  2.2900577480777528e-07,
                                      -6.75941353311204e-08,   2.914527322641992e-08,   -1.5182085036909643e-08,
                                      7.619722599126084e-09,   -3.5506736641372525e-09, 1.5046244949397593e-09,
                                      -3.920495962572597e-10,  -2.620814733857988e-11,  3.216378657958879e-11};

Scalar erf_inv_slope(Scalar w) {
  const Scalar root = sqrt(w);
  if (!w.is_f64()) return select(w < 5, horner(w - 2.5, kInverseCentralF32), horner(root - 3.125, kInverseTailF32));
  const Scalar outer = select(root < 4, horner(root - 3.25, kInverseMiddleF64), horner(root - 5, kInverseTailF64));
  return select(w < 6.25, horner(w - 3.125, kInverseCentralF64), outer);
}

/// erf up to 1.
Scalar small_erf(Scalar x) {
  const Scalar square = x * x;
  return x * (x.is_f64() ? horner(square, kErfSmallF64) : horner(square, kErfSmallF32));
}

}  // namespace

Scalar erf(Scalar x) {
  const bool wide = x.is_f64();
  const Scalar magnitude = abs(x);
  // Beyond the clamp the result is 1 to the last bit.
  const Scalar clamped = minimum(magnitude, x.like(wide ? 6 : 4));
  const Scalar exponent =
      !wide ? horner(clamped - 2.5, kErfLargeF32)
            : select(clamped < 2.25, horner(clamped - 1.625, kErfMiddleF64), horner(clamped - 4.125, kErfLargeF64));
  const Scalar large = copysign(1 - exp_in_reach(exponent), x);
  return select(magnitude > 1, large, small_erf(x));  // NaN takes the polynomial and stays
}

Scalar erfc(Scalar x) {
  const bool wide = x.is_f64();
  const double k = wide ? 4 : 3;
  const Scalar magnitude = minimum(abs(x), x.like(wide ? 27.4 : 10.2));  // beyond it is 0, or 2
  const Scalar square = magnitude * magnitude, rest = fma(magnitude, magnitude, -square);
  const Scalar reciprocal = 1 / (magnitude + k), t = (magnitude - k) * reciprocal;
  const Scalar scale = (wide ? horner(t, kErfcF64) : horner(t, kErfcF32)) * reciprocal;
  const Scalar right = exp_in_reach(-square) * fma(scale, -rest, scale);
  // Near 1 the product would be off by several steps.
  const Scalar slope = wide ? horner(x * x, kErfSmallF64) : horner(x * x, kErfCentreF32);
  const Scalar centre = fma(-x, slope, x.like(1));
  return select(abs(x) < 0.5, centre, select(x < 0, 2 - right, right));
}

Scalar erf_inv(Scalar x) {
  const Scalar magnitude = abs(x);
  const Scalar w = -log((1 - magnitude) * (magnitude + 1));
  const Scalar inside = x * erf_inv_slope(w);
  // At the ends the polynomial is far outside of its range; beyond them the log is NaN.
  return select(equal(magnitude, x.like(1)), copysign(x.like(HUGE_VAL), x), inside);
}

}  // namespace strata::ops
