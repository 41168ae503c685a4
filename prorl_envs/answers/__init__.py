r"""Comparing answers: what the math and STEM verifiers share.

An answer is read, never run. The way from text to verdict, cheapest first:

    response      the last box of a response, and whether the text behind it takes it back
    latex         one spelling for what LaTeX, Unicode and Markdown can write in many
    lexer         tokens
    parser        tokens -> a small expression tree (`syntax`), with `commands`, `numerals` and `written`
    exact         its value as a fraction, else `approximate` to many digits, with every size guarded
    equality      are two expressions the same?
    reading       is the text a value, a list, a tuple, a set, a region, an equation (`shapes`)? With `splitting`,
                  `conditions`, `environments`, `plusminus`, `inequalities`, `bounds`, `regions`
    matching      shape against shape, with `scalars`, `families`, `ratios`, `vectors`
    compare       gold against answer in mathematics: the named rules of the strict mode, with `choices`,
                  `phrases`, `residues`, `tolerance`

For the sciences: `science` types a gold and asks `units` and `quantities`, `chemistry`, `parts` and `terms`;
`solution` finds the answer in a worked solution, `judge` asks a language model about the undecided. The paper's
two rule sets are `deepscaler` and `mathverify`. `golds` checks a task's gold; `gold_audit` asks of a data set which
of its golds these rules can judge at all.
"""
