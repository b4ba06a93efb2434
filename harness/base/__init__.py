"""What everything stands on: processes, waiting, environments. It knows nothing of AWS."""
