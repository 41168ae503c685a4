"""Everything that touches a trainer or a model."""
