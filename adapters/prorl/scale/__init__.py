"""More than one process or less than all weights: processes, shards, adapters, and what a run will need."""
