"""Work on what strangers made, in a process of its own: bounded memory, processor time and answer, no file written, no network.

::

    answer = limited.call("signing_core.pdf.intake:inspected", data, "offer.pdf", allowance=Allowance(seconds=4))

The processor's time counts, so the outcome does not depend on how busy the machine is; a clock only guards against hanging,
and what it stopped is tried once more. Arguments go to the process as they are; an answer is plain values and bytes, never
code. Processes are kept for the next call, and ended with a call that passed its limits. One whose work is to write
(`Allowance.files`) has a folder of its own for that, and serves a single call.
"""

from signing_core.limited.calling import Allowance, Exceeded, call

__all__ = ["Allowance", "Exceeded", "call"]
