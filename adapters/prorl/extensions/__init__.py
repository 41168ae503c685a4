"""Ideas from other papers as plug-ins, one small file each; `adapters.prorl.extension` says how they join a run."""
