"""Kafka log segments, read from the disk without a broker."""

from ._binary import Damaged, KsegError, find_binary
from ._read import ConsumerRecord, read, records
from ._verify import Finding, verify

__all__ = [
    "ConsumerRecord",
    "Damaged",
    "Finding",
    "KsegError",
    "find_binary",
    "read",
    "records",
    "verify",
]
__version__ = "0.1.0"
