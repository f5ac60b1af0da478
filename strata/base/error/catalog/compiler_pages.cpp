#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/compiler_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kBrokenGraph, ErrorKind::Internal, "a pass broke the graph",
     "The verifier refused the graph after a pass. This is a bug in Strata: please report the reproducer file that the "
     "message names."},
    {code::kChangedMeaning, ErrorKind::Internal, "a pass changed what the program means",
     "Before and after the pass the tensor interpreter gives other results for the same random arguments. This is a "
     "bug in Strata: please report the program and the pass that the message names. `strata opt --reduce` makes the "
     "program small."},
    {code::kUnknownPass, ErrorKind::User, "no pass has this name",
     "The hint offers the nearest name; `strata passes` lists all of them in the order in which they run."},
    {code::kWrongResult, ErrorKind::Internal, "compiled code computes something else than the interpreter",
     "On the same arguments, native code and the tensor interpreter differ by more than the ops' tolerances allow, or "
     "the loops of a schedule differ in a bit from those they were made of (`strata opt --schedule`). This is a bug in "
     "Strata: please report the program. `strata opt --native --reduce` makes it small."},
    {code::kRefusedKernel, ErrorKind::Internal, "a backend refuses a kernel",
     "The loop program holds something that this backend can't compile; the message gives the reason, and "
     "`strata explain` prints it beside the kernel. Refusals are reported, never worked round silently."},
    {code::kUnloadableObject, ErrorKind::Environment, "an object file can't be loaded",
     "The machine code of a kernel, new or from the compile cache, could not be linked into this process. Delete the "
     "cache folder if the message names a cached file; else memory may be short."},
    {code::kUnknownBackend, ErrorKind::User, "no backend has this name",
     "`strata explain --backend` and the compile options take llvm, llvm-scalar, llvm-avx2, llvm-avx512, "
     "llvm-avx512-vnni, llvm-avx512-bf16 or null."},
    {code::kMemoryLimit, ErrorKind::User, "a program takes more memory than it may",
     "Memory is planned before it is used: what a run takes (arguments, new results and the arena) is known from the "
     "plan and compared with the budget (`train.memory_budget`, JitOptions or `strata opt --plan --memory-budget`) "
     "before anything is allocated. Kernels are run twice where that keeps the budget; here it does not. The notes "
     "list "
     "the tensors that are live where the plan that takes least has most, the largest first. A smaller batch takes "
     "less; so does train.accumulate, which adds up the gradients of several small batches."},
    {code::kLeftAsWritten, ErrorKind::User, "strict: a kernel is left as written",
     "In strict mode (`train.strict`, `strata opt --strict`, or STRATA_STRICT=1 in the environment) a kernel that "
     "should have got a schedule and did not is an error; else it is compiled as it was lowered, in scalar code on one "
     "thread. The message gives the reason, which `strata explain` prints for every kernel. Ops that write their own "
     "loops are meant as they are where nothing of them has a vector form, such as sort. What a backend refuses "
     "(E0310) is an error in either mode."},
    {code::kMalformedSchedule, ErrorKind::User, "a text that is no schedule",
     "A schedule is a list of rewrites, one a line or parted by `;`: a verb, what it is done to, and numbers, such as "
     "`tile rows by 8, columns by 32, depth by 256`. `strata explain` prints the schedule of each kernel as such a "
     "text; `#` begins a comment."},
    {code::kUnfittingSchedule, ErrorKind::User, "a schedule that this kernel can't have",
     "The rewrites don't fit the kernel's loops: one is missing, one is of another kind of nest, or a number can't be. "
     "`strata opt FILE.sloop --schedule auto` prints the schedule that the compiler would choose: change its "
     "numbers. The notes name the nest and the text. A tuned schedule (STRATA_SCHEDULES) that its nest can't have is "
     "an error in strict mode only; else it is named on the log and by `strata explain`, and the heuristic chooses."},
    {code::kNotFinite, ErrorKind::User, "a call would commit a NaN or an infinity",
     "The function was jitted with `require_finite` (training always is), and the value that would become the named "
     "leaf of an argument is not finite. It is looked at before anything is committed: parameters, optimiser state and "
     "running statistics are as they were. Jitted::first_non_finite names the op that made the first such value."},
    {code::kCancelled, ErrorKind::User, "a run was cancelled",
     "Its CancelToken was cancelled while a CancelScope of the calling thread held it. Nothing that the call was given "
     "has changed, and the same call can be made again under another token."},
    {code::kPrintFailed, ErrorKind::Environment, "print can't write",
     "Standard output refused a line: the device is full, or the pipe is closed. The run that printed has ended, and "
     "nothing that it was given has changed."},
    {code::kDonation, ErrorKind::User, "a donation that is not one",
     "`strata explain FILE --donate 2:0` asks what becomes of result 2 when argument 0 may give it its memory, both "
     "counted from 0. It answers that the result is written in that memory, or why the argument is kept whole beside "
     "it: something can still fail when the result is written, or still reads the argument."},
    {code::kContextInUse, ErrorKind::User, "a run context is in use",
     "A context (runtime::RunContext) holds the memory of one run. Two runs at once need one each; without a context a "
     "run takes one that stands idle."},
    {code::kForeignProgramFile, ErrorKind::User, "a program file of another build or CPU",
     "A program file holds machine code, which only the build of Strata that wrote it may run, and only on a CPU with "
     "the instructions that it was compiled for. The message names both sides. Where a compiler is linked the program "
     "is compiled anew from the recorded program that the file holds; else write the file again."},
    {code::kEmptyAxis, ErrorKind::User, "an empty axis needs the compiler",
     "The code of a program file is for extents of 1 or more. A call with an extent of 0 takes a program of its own, "
     "which is compiled when it is met; this process reads program files without a compiler."},
    {code::kUnwritableProgram, ErrorKind::User, "a program that can't be written to a file",
     "A program file holds machine code of this machine for each kernel, which other backends don't make, and names of "
     "weights, each of which is a parameter of the program."},
    {code::kMalformedScheduleFile, ErrorKind::User, "a file of schedules that can't be read",
     "STRATA_SCHEDULES, or `--schedules`, names a file of tuned schedules. Each begins with a line `schedule NEST "
     "TARGET`: the nest as `strata explain` prints it, and an instruction set; its rewrites follow, and `#` begins a "
     "comment. `strata explain PROGRAM.sir --write-schedules FILE` makes such a file."},
    {code::kUpdateWouldCopy, ErrorKind::User, "an update that must be in place would copy",
     "`x.at(...).in_place()`, and scatter and dynamic_update_slice with InPlace::Required, write into the memory of x "
     "or fail. The message names what keeps the old x alive: a command that reads it later, a result that is its old "
     "value, an argument that is not donated (a jitted function donates the arguments that it rebinds), or, when the "
     "program runs, another handle of the caller to the same memory."},
    {code::kOpenSize, ErrorKind::User, "a tuning does not know the sizes of its program",
     "Kernels are measured on arrays, so `strata tune` has to know what a symbol in the program's types stands for: "
     "`--dim N=16` says it for f32[N, 7]. What is found then holds for all sizes. The message names the symbol that "
     "is "
     "left open, or the one that the program does not have."},
    {code::kHandedOver, ErrorKind::User, "a weight was handed over to its prepared forms",
     "A program whose weights are constants computes once what depends on them alone: packed forms, which its products "
     "read. The owner may then give up the plain form (`Jitted::hand_over`, `runtime::hand_over`). From then on its "
     "elements can't be looked at, and programs that read them, or want another form, can't run on it: run each "
     "program "
     "that shares the weights once before, or keep the plain form."},
    {code::kNoControlPart, ErrorKind::User, "a kernel that is no static control part",
     "The polyhedral scheduler (a schedule `poly ...`) has to know exactly which iterations there are and which "
     "elements "
     "each of them reads and writes: bounds of loops, conditions of branches and indices of what is written have to be "
     "affine in loop variables and dimensions, with floor divisions and remainders by constants. While loops, checks, "
     "conditions and indices that are loaded, and loops that join their sum block by block are none of this. The "
     "message "
     "gives the line of the loop program, if it was read from a text, and the statement."},
    {code::kPolyhedralLimit, ErrorKind::User, "the polyhedral scheduler came to its bound",
     "What isl has to do can grow exponentially with the number of statements, loops and dimensions. It is stopped "
     "after "
     "a number of its operations, always at the same place for the same kernel; `poly effort by N` sets it. Fewer "
     "statements in a kernel, steps of 1 and constant sizes need less. The loops that come out are run in the "
     "interpreter "
     "beside those that went in, on small sizes; those that differ are refused as well, and so is a nest that isl "
     "finds "
     "no order for."},
};

}  // namespace

std::span<const ErrorPage> compiler_error_pages() { return kPages; }

}  // namespace strata::base
