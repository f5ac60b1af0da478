// The golden files of this folder, and how far a result may be from them.
#pragma once

#include <string>
#include <vector>

#include "strata/ir/host_array.h"

namespace strata::ends {

/// One line of tests/ends/<file>.txt: a name and numbers. `-` (not to be compared) is read as kUnspoken.
struct GoldenLine {
  std::string name;
  std::vector<double> numbers;
};
inline constexpr double kUnspoken = 1.2345678e-200;

/// The lines with this name.
std::vector<GoldenLine> golden_lines(const std::string& file, const std::string& name);

/// An array of these numbers in a dtype; each must have a value there.
ir::HostArray array_of(ir::DType t, const std::vector<double>& numbers);

/// The number in a dtype, rounded to nearest even.
double rounded(ir::DType t, double x);

/// Whether an f32 result is the golden number within `ulps` of the larger of the two and `scale`, and `steps` of the
/// smallest step there is. Zeros of both signs are told apart where the golden one is -0.
bool is_near(double golden, double found, double ulps, double scale = 0, double steps = 0);

/// Whether an f64 result agrees with the golden number in its 13 digits, but for 10 in the last place of the larger of
/// it and `scale`. The file cuts numbers at 1e-60 and 1e300.
bool has_digits_of(double golden, double found, double scale = 0);

/// Whether `found`, in a half float dtype, is what an f32 result rounds to that is within `ulps` of `wide`, a result of
/// the same program in f32. 0: exactly the rounding of `wide`.
bool is_rounding_of(ir::DType t, double wide, double found, double ulps);

}  // namespace strata::ends
