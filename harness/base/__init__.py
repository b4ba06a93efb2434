"""The foundation: processes, waiting, environments. It knows nothing of AWS."""
