"""The demo model in every format a weight can have, for suites and for the scripts that write their vectors."""
import os
import pathlib
import subprocess

from service import DEMO_MODEL, ROOT

# By what `redoubt-bench requantize` calls the format, or the mixture that is mostly of it.
FORMATS = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K_M", "Q4_K", "Q5_K", "Q6_K",
           "IQ4_NL", "IQ4_XS", "MXFP4", "TQ1_0", "TQ2_0"]
# With these the demo model, which was not trained for them, talks nonsense and is sure of nothing.
TERNARY = {"TQ1_0", "TQ2_0"}
OWN_FORMAT = "F16"  # as the model is shipped


def bench(*arguments):
    """What redoubt-bench of the build directory BUILD prints."""
    program = pathlib.Path(os.environ["BUILD"]) / "bench/redoubt-bench"
    return subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def demo_model(quant, directory):
    """A file in `directory`; the shipped one when it is of this format."""
    if quant == OWN_FORMAT:
        return DEMO_MODEL
    model = pathlib.Path(directory) / f"{quant}.gguf"
    bench("requantize", DEMO_MODEL, model, "--quant", quant)
    return model


def synthetic_model(shape, quant, directory):
    model = pathlib.Path(directory) / f"{shape}-{quant}.gguf"
    bench("synth", "--shape", shape, "--quant", quant, "--seed", 1, "-o", model)
    return model
