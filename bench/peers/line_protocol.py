"""The peers' side of bench/harness/peer.h: one line of JSON for each request and reply; what is printed goes to the log."""
import json
import os
import sys
import traceback


def serve(setup, run):
    """setup(request) -> {"peer", "version"}; run(request) -> {"seconds"}."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to stdout
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = setup(request) if request["do"] == "setup" else run(request)
        except Exception as error:  # the harness must hear of it whatever it is
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
