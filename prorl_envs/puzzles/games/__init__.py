"""The games that scorers replay and oracles solve: cube, rush hour, boxnet, sokoban, propositional logic."""
