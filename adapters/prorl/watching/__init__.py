"""The stability watch: what is measured at each step, and the alarms that are raised from it."""
