// matmul and einsum: names for dots with their axes brought into place.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/error.h"
#include "strata/ir/unproved.h"
#include "strata/ops/broadcast.h"
#include "strata/ops/dot.h"
#include "strata/ops/reduce.h"
#include "strata/ops/shape.h"

namespace strata::ops {
namespace {

/// Leading axes of both sides broadcast against each other; the last two stay.
void broadcast_leading(Value& lhs, Value& rhs) {
  const int rank = std::max(lhs.rank(), rhs.rank());
  lhs = with_rank(lhs, rank);
  rhs = with_rank(rhs, rank);
  Shape to_lhs = shape_of(lhs), to_rhs = shape_of(rhs);
  for (int a = 0; a < rank - 2; ++a) {
    if (to_lhs[a] == Dim(1)) to_lhs[a] = to_rhs[a];
    if (to_rhs[a] == Dim(1)) to_rhs[a] = to_lhs[a];
    if (!ir::proved_equal(to_lhs[a], to_rhs[a]))
      throw base::Error("E0102",
                        fmt::format("matmul: leading axes differ: lhs {}, rhs {}", lhs.type().str(), rhs.type().str()));
  }
  lhs = broadcast_to(lhs, dims_span(to_lhs));
  rhs = broadcast_to(rhs, dims_span(to_rhs));
}

struct Formula {
  std::vector<std::string> operands;
  std::string result;
};

Formula parse_formula(std::string_view text, size_t operand_count) {
  Formula f;
  std::string now;
  bool has_arrow = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (c == ',' && !has_arrow) {
      f.operands.push_back(now);
      now.clear();
    } else if (c == '-' && i + 1 < text.size() && text[i + 1] == '>' && !has_arrow) {
      f.operands.push_back(now);
      now.clear();
      has_arrow = true;
      ++i;
    } else if (std::isalpha(static_cast<unsigned char>(c)) && now.find(c) == std::string::npos) {
      now += c;
    } else {
      throw base::Error(
          "E0116", fmt::format("einsum: '{}' at {} of \"{}\" is no index, or is repeated in its operand", c, i, text));
    }
  }
  f.result = now;
  if (!has_arrow || f.operands.size() != operand_count)
    throw base::Error("E0116",
                      fmt::format("einsum: \"{}\" does not describe {} operand(s) and a result", text, operand_count));
  for (char c : f.result)
    if (std::none_of(f.operands.begin(), f.operands.end(),
                     [c](const std::string& o) { return o.find(c) != std::string::npos; }))
      throw base::Error("E0116",
                        fmt::format("einsum: index '{}' of the result stands in no operand of \"{}\"", c, text));
  return f;
}

void require_rank(const std::string& indices, Value v) {
  if (static_cast<int>(indices.size()) != v.rank())
    throw base::Error("E0102", fmt::format("einsum: \"{}\" names {} axes, the operand is {}", indices, indices.size(),
                                           v.type().str()));
}

/// Sums out the indices that neither `other` nor the result needs.
Value without_private(Value x, std::string& indices, const std::string& other, const std::string& result) {
  Ints gone;
  std::string left;
  for (size_t i = 0; i < indices.size(); ++i) {
    const bool is_needed = other.find(indices[i]) != std::string::npos || result.find(indices[i]) != std::string::npos;
    if (is_needed)
      left += indices[i];
    else
      gone.push_back(static_cast<int64_t>(i));
  }
  indices = left;
  return reduce_sum(x, gone);
}

Value arranged(Value x, const std::string& indices, const std::string& result) {
  Ints perm;
  for (char c : result) perm.push_back(static_cast<int64_t>(indices.find(c)));
  return transpose(x, perm);
}

}  // namespace

Value matmul(Value lhs, Value rhs) {
  if (lhs.rank() < 1 || rhs.rank() < 1)
    throw base::Error("E0102",
                      fmt::format("matmul: takes rank 1 or more, found {} and {}", lhs.type().str(), rhs.type().str()));
  const bool is_row = lhs.rank() == 1, is_column = rhs.rank() == 1;
  if (is_row && is_column) return dot(lhs, rhs, {{0}, {0}, {}, {}});
  if (rhs.rank() <= 2) return dot(lhs, rhs, {{-1}, {0}, {}, {}});
  if (is_row) lhs = expand_dims(lhs, 0);
  broadcast_leading(lhs, rhs);
  const Ints batch = iota_ints(0, lhs.rank() - 2);
  const Value y = dot(lhs, rhs, {{-1}, {-2}, batch, batch});
  return is_row ? squeeze(y, -2) : y;
}

Value einsum(std::string_view formula, const std::vector<Value>& operands) {
  Formula f = parse_formula(formula, operands.size());
  for (size_t i = 0; i < operands.size(); ++i) require_rank(f.operands[i], operands[i]);
  if (operands.size() == 1) {
    const Value x = without_private(operands[0], f.operands[0], "", f.result);
    return arranged(x, f.operands[0], f.result);
  }
  if (operands.size() != 2)
    throw base::Error("E0116", fmt::format("einsum: takes one or two operands, found {}", operands.size()));
  std::string &a = f.operands[0], &b = f.operands[1];
  const Value lhs = without_private(operands[0], a, b, f.result), rhs = without_private(operands[1], b, a, f.result);
  DotAxes axes;
  std::string batch, lhs_free, rhs_free;
  for (size_t i = 0; i < a.size(); ++i) {
    const size_t partner = b.find(a[i]);
    const bool is_kept = f.result.find(a[i]) != std::string::npos;
    if (partner == std::string::npos) {
      lhs_free += a[i];
      continue;
    }
    (is_kept ? axes.lhs_batch : axes.lhs_contract).push_back(static_cast<int64_t>(i));
    (is_kept ? axes.rhs_batch : axes.rhs_contract).push_back(static_cast<int64_t>(partner));
    if (is_kept) batch += a[i];
  }
  for (char c : b)
    if (a.find(c) == std::string::npos) rhs_free += c;
  return arranged(dot(lhs, rhs, axes), batch + lhs_free + rhs_free, f.result);
}

}  // namespace strata::ops
