"""How much memory a run took at most."""

import resource
import sys


def forget_peak() -> None:
    """Count the device's peak from here on; that of the process counts from its start."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        for device in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(device)


def peak_memory() -> dict[str, int | None]:
    """Peaks in MB: of the process, and of the GPU that was used most (null: none was)."""
    torch = sys.modules.get("torch")
    on_gpu = 0
    if torch is not None and torch.cuda.is_available():
        on_gpu = max(torch.cuda.max_memory_allocated(device) for device in range(torch.cuda.device_count()))
    # Linux counts in KiB, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"peak_memory_mb": own // 2**20, "peak_gpu_mb": on_gpu // 2**20 if on_gpu else None}
