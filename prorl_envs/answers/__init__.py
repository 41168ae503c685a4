r"""Comparing answers: what the math and STEM verifiers share.

An answer is read, never run. The way from text to verdict, cheapest first:

    latex      one spelling for what LaTeX, Unicode and Markdown can write in many
    lexer      tokens
    parser     tokens -> a small expression tree (`syntax`)
    evaluate   exact fractions, else many digits, at chosen points, with every size guarded
    equality   are two expressions the same?
    shapes     is the text a value, a list, a tuple, a set, a region, an equation, a phrase?
    compare    gold against answer, by shape: the named rules of the strict mode

For the sciences: `units` and `quantities`, `chemistry`, `phrases`. The rule sets of the paper are `mathverify` and
`deepscaler`. `gold_audit` asks of a data set which of its golds these rules can judge at all.
"""
