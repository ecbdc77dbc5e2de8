"""Add up the memory that this process and all its descendants hold, shared pages counted once (PSS)."""

import psutil


def proportional_bytes() -> int:
    """Answer the sum of PSS in bytes; where the system does not tell PSS (macOS), of RSS."""
    total = 0
    myself = psutil.Process()
    for process in (myself, *myself.children(recursive=True)):
        try:
            info = process.memory_full_info()
            total += int(getattr(info, "pss", info.rss))
        except psutil.Error:
            continue  # it ended while we looked
    return total
