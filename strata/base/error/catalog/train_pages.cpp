#include "strata/base/error/catalog.h"
#include "strata/base/error/codes/train_codes.h"

namespace strata::base {
namespace {

constexpr ErrorPage kPages[] = {
    {code::kRunExists, ErrorKind::User, "the run folder holds a run already",
     "`strata train` doesn't overwrite results by itself. Go on with the run by `--resume`, overwrite it by "
     "`--replace`, or name another folder with `--out`."},
    {code::kNoCheckpoint, ErrorKind::User, "the run folder has no checkpoint",
     "Resuming, evaluating and generating need checkpoint.safetensors in the run folder, which a training writes with "
     "its first evaluation (train.checkpoint_every)."},
    {code::kDamagedCheckpoint, ErrorKind::User, "a checkpoint isn't whole",
     "The safetensors file isn't a checkpoint of `strata train`, or of another version: its metadata lack what a "
     "resume needs. Or its checksum says that bytes of it were changed after it was written."},
    {code::kStepNotFinite, ErrorKind::User, "a training step isn't finite",
     "The loss, a gradient or an updated parameter became NaN or infinite. Nothing of the step was saved and the last "
     "checkpoint stands. The step was replayed with a look at the result of each op; the note names the first op that "
     "isn't finite, with the line and the layer that recorded it. Usual causes: a learning rate that is too high, no "
     "clipping (optim.clip), bad values in the data. With optim.commit = \"finite_loss\" a step commits by its loss "
     "alone, "
     "so that the parameters may be NaN already: they are looked at before each evaluation and checkpoint."},
    {code::kForeignCheckpoint, ErrorKind::User, "a checkpoint is of another architecture",
     "A tensor is missing, has another shape or dtype than the model or the optimiser of the configuration, or has no "
     "place in it. The message names the first one and both types. The run folder's own config.toml fits its "
     "checkpoint."},
    {code::kUnableModel, ErrorKind::User, "the model can't do that",
     "The command needs another kind of model: only a language model generates text."},
    {code::kPastTheEnd, ErrorKind::User, "a checkpoint is behind the end of the training",
     "The run has done more steps than the configuration asks for in all, so there is nothing to go on with. Raise "
     "train.steps or train.epochs, or start a run of its own with --out."},
    {code::kFolderInUse, ErrorKind::Environment, "another training is going on in the run folder",
     "Two trainings in one folder would mix their results, so the first one locks it until its process ends. Wait for "
     "it, or name another folder with --out."},
    {code::kForeignRun, ErrorKind::User, "a run belongs to another text or tokenizer",
     "A language model's tokens mean what its tokenizer says, which was trained on the run's text. The file of the "
     "text, or the run's tokenizer.json, is not what it was when the checkpoint was written. Put it back, or start a "
     "new run."},
    {code::kCommandLine, ErrorKind::User, "the command line isn't understood",
     "A command, an option or a value isn't one that the binary knows. `strata --help` lists the commands, `strata "
     "COMMAND --help` the options of one."},
    {code::kTrainingStopped, ErrorKind::Environment, "a training was stopped",
     "The process got Ctrl-C or SIGTERM. The step that ran was finished and a checkpoint written; `strata train RUN "
     "--resume` goes on as if nothing had happened. A second signal ends the process at once."},
    {code::kPeerFailed, ErrorKind::Environment, "a benchmark's peer failed",
     "A program that Strata is compared with can't be started, ended in the middle, or says that it can't do what was "
     "asked. Its own words stand in bench/out/<peer>.log. `strata bench --no-peers` measures without peers."},
    {code::kNoSuchKernel, ErrorKind::User, "a kernel that the program does not have",
     "`strata explain FILE --kernel N` counts the kernels of the program after all passes, from 0. Without --kernel it "
     "prints all of them. `strata roofline` says so of a program that runs none."},
    {code::kNodeWithoutKernel, ErrorKind::User, "a node that no kernel holds",
     "`strata explain FILE --node %4` takes nodes of the program as `strata opt` prints it. A node may have gone into "
     "no kernel: it was folded, merged with an equal one, or only gives memory another shape."},
    {code::kMissingArgument, ErrorKind::User, "a program lacks an argument",
     "`strata run` takes each parameter of a program from the first of the --inputs that has a tensor of its name, "
     "else "
     "from the file of weights that the program refers to. The message names the parameter and its type."},
    {code::kOptionOutOfRange, ErrorKind::User, "an option is out of its range",
     "The message names what was built or called, the field, its value and what is allowed. NaN and infinities are in "
     "no range unless the field's description says so. Options of single functions have the codes of their folders: "
     "E0116 "
     "in ops and random numbers, E0690 and E0691 in reports, E0636 and E0641 in data; and E0509 is that of a dropout's "
     "rate and of a recurrent layer's widths."},
    {code::kEmptyGroup, ErrorKind::User, "a parameter group matches nothing",
     "The pattern of a group fits the path of no parameter that is trained, so what the group says would hold for "
     "none. The note lists paths. `*` stands for any characters, and blanks separate patterns of which one has to "
     "match."},
    {code::kTwoGroups, ErrorKind::User, "a parameter is in two groups",
     "What holds for it would depend on the order of the groups. The message names the parameter and both patterns."},
};

}  // namespace

std::span<const ErrorPage> train_error_pages() { return kPages; }

}  // namespace strata::base
