"""What a Terraform root needs of a backend, read from its files before anything is started."""

from harness.needs.features import IMAGES, JSONATA, RUNTIME, STREAMS, Need, title_of
from harness.needs.reading import needs_of

__all__ = ["IMAGES", "JSONATA", "RUNTIME", "STREAMS", "Need", "needs_of", "title_of"]
