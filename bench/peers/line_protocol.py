"""The peers' side of bench/harness/peer.h: one line of JSON for each request and reply; what is printed goes to the log."""
import json
import os
import sys
import traceback


def status_bytes(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name + ":"))


def memory_of(setup, run, request):
    """As bench/harness/peak_memory.h measures ours: the most that is resident while the work runs again, over what was before it was made."""
    import torch

    torch.set_num_threads(request["setup"]["threads"])
    torch.ones(1 << 16).sum()  # starts the threads
    torch.compile(torch.sin)  # imports the compiler, some 200 MB that are no workload's
    before = status_bytes("VmRSS")
    reply = setup(request["setup"])
    run(request)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # VmHWM counts anew
    run(request)
    return {**reply, "bytes": status_bytes("VmHWM") - before}


def serve(setup, run):
    """setup(request) -> {"peer", "version"}; run(request) -> {"seconds"}. A setup that comes "later" is part of {"do": "memory"}."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to stdout
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "memory":
                reply = memory_of(setup, run, request)
            elif request.get("later"):
                import torch  # whether it is there at all

                reply = {"peer": "PyTorch", "version": torch.__version__}
            else:
                reply = setup(request) if request["do"] == "setup" else run(request)
        except Exception as error:  # the harness must hear of it whatever it is
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
