#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/transform_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kNoDerivative, ErrorKind::User, "no derivative",
     "The program was asked for a derivative that does not exist; the message names the op and the reason."},
    {code::kNotDifferentiable, ErrorKind::User, "only floats have derivatives",
     "A gradient was asked of, or with respect to, a tensor of integers or bools. Cast it to a float, or leave it out "
     "of the differentiated arguments."},
    {code::kNotScalar, ErrorKind::User, "the gradient of something that is not a scalar",
     "`grad` and `value_and_grad` differentiate a scalar such as a loss. Reduce the value with `mean` or `sum`, or use "
     "`vjp` and give a cotangent of its shape."},
    {code::kNoReverseMode, ErrorKind::User, "no reverse mode",
     "The program has a derivative, but it can't be computed backwards: the message names the op and the reason. Use "
     "`jvp`."},
    {code::kIncompleteDerivative, ErrorKind::User, "a custom derivative that does not cover its input",
     "A function with a custom derivative was differentiated with respect to a tensor that it uses from outside. Its "
     "rule gives derivatives of the arguments only: pass the tensor as an argument."},
    {code::kNoBatchingRule, ErrorKind::User, "no batching rule",
     "`vmap` met an op that can't run over a new leading axis; the message names the op and the reason."},
    {code::kScoresMixed, ErrorKind::User, "a score function that mixes scores",
     "The function given to `attention_with_score` sees the scores of a block of keys at a time, and where blocks end "
     "is no part of what attention means. So each score, and each place, goes through ops that work element by "
     "element: "
     "arithmetic, comparisons, `select`, casts; a place may be looked up in a captured table with `take`. A sum, a "
     "sort or a softmax over the scores of a row is none of these."},
};

}  // namespace

std::span<const ErrorPage> transform_error_pages() { return kPages; }

}  // namespace strata::base
