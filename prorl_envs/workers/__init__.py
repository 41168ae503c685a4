"""Killable worker processes behind `prorl_envs.scoring.Scorer`.

Process tree::

    host (trainer, any thread) ── dispatcher thread (`pool.Pool`)
      └─ zygote (`zygote.main`): a bare, single-threaded interpreter that imports the verifiers once
           ├─ worker: verifies one item at a time, killed when it passes its deadline
           └─ worker ...

The zygote is started with `subprocess` (never `fork`: trainers hold threads and CUDA contexts, and never
`multiprocessing.spawn`: it re-imports the user's `__main__`). Workers are forked from the warm zygote, so a
killed one is back within milliseconds. When the host dies, even by SIGKILL, the zygote sees its socket close
and takes the workers with it.
"""
