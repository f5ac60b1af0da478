#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/tensor_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kUndefinedTensor, ErrorKind::User, "a tensor that was never given a value",
     "A default-constructed `Tensor` is empty. Layers have empty parameters until `nn::init(model, Key{0})` fills them "
     "or a file is loaded into them."},
    {code::kValueWhileRecording, ErrorKind::User, "a look at a value while the program is recorded",
     "Inside `jit` tensors stand for values of the program, which has not run yet: `item()`, `data()` and printing "
     "have nothing to show. Return the tensor from the function, or use `print` and `check`, which run with the "
     "program."},
    {code::kEndedRecording, ErrorKind::User, "a tensor outlived the recording that it belongs to",
     "A tensor that was recorded inside `jit` and stored outside has no value there. Return it from the function "
     "instead."},
    {code::kUnknownSize, ErrorKind::User, "the size of a symbolic dimension",
     "`size(axis)` is a number, but the dimension is symbolic while the program is recorded. Use `dim(axis)`, or make "
     "it static with `JitOptions`."},
    {code::kNotOneElement, ErrorKind::User, "item() of a tensor with more or fewer elements than one",
     "Index or reduce the tensor first."},
    {code::kImpureFunction, ErrorKind::User, "a jitted function is not a function of its arguments",
     "In check mode the function is recorded at each call, and two recordings for one kind of arguments differed: it "
     "depends on a global, on time, or on a random number of the host. Also when a function changes more of an "
     "argument "
     "than its tensors (a number in it, the size of a container, a tensor that it takes away), which a call could not "
     "write back, and when one variable is passed as two arguments that the function changes: what it would hold "
     "afterwards depends on which is written last."},
    {code::kNotAKey, ErrorKind::User, "not a random key",
     "A key is a u32[2] tensor. Make one with `Key(seed)`, and more from it with `key.fold_in(...)` or "
     "`key.split(n)`."},
    {code::kFormatArguments, ErrorKind::User, "a format that its arguments don't fit",
     "`print(\"loss {:.4f}\", loss)` formats as {fmt} does: one pair of braces for each argument, with a number format "
     "only for numbers and tensors of one element."},
    {code::kParameterExtents, ErrorKind::User, "the extents of a parameter",
     "Parameters have sizes that are numbers, and the distributions that depend on fan-in and fan-out are for weights "
     "`[out, in, window...]`."},
    {code::kLayerOptions, ErrorKind::User, "a layer's options don't fit each other or its input",
     "The message says which ones; for example more positions than the context of a GPT has, or an image of other "
     "sides "
     "than a model is made for."},
    {code::kOptimiserNotStarted, ErrorKind::User, "an optimiser that was not started",
     "Write `auto sgd = optim::Sgd{.lr = 0.1}.start(model);`."},
    {code::kForeignOptimiserState, ErrorKind::User, "the model and the optimiser's state differ",
     "The optimiser was started for a model with other parameters. Start it again, or load the state that belongs to "
     "the model."},
    {code::kGradientType, ErrorKind::User, "a gradient has another type than its parameter",
     "Shapes and dtypes of gradients must be those of the parameters; cast the parameters inside the differentiated "
     "function, so that the gradients come back in the parameters' dtype."},
    {code::kRateSchedule, ErrorKind::User, "a schedule that is not one",
     "Lengths of a schedule's parts are zero or more steps, and only the last part may be endless."},
    {code::kForeignWeights, ErrorKind::User, "a file's tensors are not those of the model",
     "The first tensor that differs is named: missing in the file, unexpected in it, or of another shape or dtype. "
     "Load a checkpoint of the same architecture, or change the model's sizes."},
    {code::kUnknownBatch, ErrorKind::User, "a batch that vmap can't find",
     "At least one argument of a batched function has a batch axis, and all batched tensors have the same extent "
     "there. `in_axes` names the axis of each argument."},
    {code::kUnequalBranches, ErrorKind::User, "branches or steps that give different values",
     "Both branches of `cond` give tensors of the same types, and a step of `while_loop` or `scan` gives a state like "
     "the one it was given: as many tensors, each with the same dtype and shape. The message shows the first that "
     "differs."},
    {code::kCotangentShape, ErrorKind::User, "a derivative's direction or cotangent of the wrong shape",
     "The backward function of `custom_vjp` gives one cotangent for each float tensor of the arguments, with its type; "
     "the rule of `custom_jvp` gives one tangent for each result. The direction of `jvp` and `hvp` is a tree like the "
     "argument; of a tensor that stands there twice, one direction."},
};

}  // namespace

std::span<const ErrorPage> tensor_error_pages() { return kPages; }

}  // namespace strata::base
