"""How a run is shown to people: on the screen, as a page and curves, in trackers, as a model card."""
