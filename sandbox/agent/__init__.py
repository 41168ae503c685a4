"""What runs beside and inside the jail. Nothing here may import the rest of the package, nor anything outside
the standard library: `boot` loads it into an interpreter without site packages.

Three kinds of process, each forked from the one before:

* the *zygote* builds the jail, warms up and waits; it never holds a submission;
* a *program* process compiles one submission, then forks for each test; it never runs the submission;
* a *test* process runs the submission on one input; it never holds an expected output.
"""
