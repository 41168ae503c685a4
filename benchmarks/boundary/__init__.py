"""Does prolonged RL expand what a model can do? A small, complete answer on two CPU cores: see docs/boundary.md."""
