"""The releases that the demo makes, and how."""

from e2e.demo.checks import Said
from e2e.demo.stage import IN_NAMESPACE, Stage

# What the broken promise protects.
CULPRIT, GATEWAY = "user-profile", "gateway"
RELEASED = (GATEWAY, CULPRIT)

FIRST = "soulsync/app:1.4.2"
BAD = "soulsync/app:1.5.0"
FIX = "soulsync/app:1.5.1"
NEXT = "soulsync/app:1.6.0"


def release(stage: Stage, image: str, *workloads: str, picture: bool = False) -> Said:
    """Set the image of workloads, show what kubectl says, and wait until what passed is rolled out."""
    targets = [f"deployment/{name}" for name in workloads]
    said = stage.try_out("set", "image", *targets, f"app={image}", *IN_NAMESPACE, picture=picture)
    if said.code == 0:
        roll_out(stage, *workloads)
    return said


def roll_out(stage: Stage, *workloads: str) -> None:
    """Wait until workloads are rolled out, without a word."""
    for name in workloads:
        stage.quietly("rollout", "status", f"deployment/{name}", *IN_NAMESPACE, "--timeout=60s")
