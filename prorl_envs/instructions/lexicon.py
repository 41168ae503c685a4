"""Word lists that the checks need, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "ABBREVIATIONS",
    "CONJUNCTIONS",
    "EUROPEAN_CAPITALS",
    "IRREGULAR_VERB_FORMS",
    "PERSON_NAMES",
    "PRONOUNS",
    "SENTENCE_STARTERS",
    "STOP_WORDS",
    "SYLLABLES",
    "VERBS",
]


def _row(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


ABBREVIATIONS: frozenset[str] = _set(
    """
    dr mr mrs ms messrs prof jr sr st adm capt col gen gov hon lt maj rev rep reps sen sgt ave bros cie co corp
    cos inc ltd chg ft mg yr vs jan feb aug sept sep oct nov dec tues wed fri ala ariz calif colo conn ct fla ga
    ill kan ky mich minn nev okla ore pa tenn va vt wash wis w.va n.c n.d n.h n.j n.m n.y r.i s.c l.a d.c u.k u.n
    u.s u.s.a u.s.s.r a.d a.m p.m b.v c.v l.p m.b.a n.v ph.d s.a s.p.a c d e f g h j k l m n p r s t v w
    """
)
"""Words whose period ends no sentence by itself, lower-case and without it: those that Punkt's English model
knows, of the ones that occur in ordinary prose. "e.g.", "i.e.", "etc." and "no." are not among them: the published
checkers see a sentence end there."""

SENTENCE_STARTERS: frozenset[str] = _set(
    """
    a after all although among an and another are as at because before both but by can could despite did do does
    during each even every finally first for from had has have he her here his how however i if in instead is it
    its last later many meanwhile more moreover most much my next no nor not now of on once one or other others
    our please perhaps she should since so some still such than thank that the their them then there therefore
    these they this those though through thus to today two under unlike until was we well were what when where
    whether which while who why will with without would yes yet you your
    """
)
"""Lower-case words that, written with a capital after an abbreviation, start a sentence rather than a name."""

CONJUNCTIONS: frozenset[str] = frozenset({"and", "but", "for", "nor", "or", "so", "yet"})

PRONOUNS: frozenset[str] = _set(
    """
    i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her
    hers herself it its itself they them their theirs themselves this that these those who whom whose which what
    whoever whomever whatever whichever anybody anyone anything everybody everyone everything nobody nothing
    somebody someone something each either neither both all some any none
    """
)

STOP_WORDS: frozenset[str] = _set(
    """
    i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers
    herself it its itself they them their theirs themselves what which who whom this that these those am is are
    was were be been being have has had having do does did doing a an the and but if or because as until while of
    at by for with about against between into through during before after above below to from up down in out on
    off over under again further then once here there when where why how all any both each few more most other
    some such no nor not only own same so than too very s t can will just don should now d ll m o re ve y ain aren
    couldn didn doesn hadn hasn haven isn ma mightn mustn needn shan shouldn wasn weren won wouldn
    """
)
"""The usual English stop words, with the halves that contractions leave when split at the apostrophe."""

PERSON_NAMES: tuple[str, ...] = _row(
    """
    Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander Amelia Benjamin
    Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella Jacob Scarlett Nathan Victoria
    Elijah Layla Nicholas Audrey David Hannah Christopher Penelope Thomas Nora Andrew Aria Joseph Claire Ryan
    Stella Jonathan
    """
)
"""The names that IFBench's prompt lists."""

EUROPEAN_CAPITALS: tuple[str, ...] = _row(
    """
    Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin Amsterdam Warsaw
    London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz Chisinau Bern Ljubljana Zagreb
    """
)
"""Capitals north of 45 degrees, from north to south, as IFBench's key has them (without diacritics, and without
Kyiv): the published order is kept, because prompts were graded against it."""

VERBS: frozenset[str] = _set(
    """
    abandon abolish absorb abuse accelerate accept access accompany accomplish account achieve acknowledge acquire
    act activate adapt add address adhere adjust administer admire admit adopt advance advise advocate affect
    afford agree aid aim align alleviate allocate allow alter amplify analyze analyse announce annotate answer
    anticipate apologize appeal appear append apply appoint appreciate approach approve arise argue arrange arrest
    arrive articulate ascertain ask assemble assert assess assign assist associate assume assure attach attack
    attain attempt attend attract audit authorize automate avoid awaken balance ban bake base bear beat become beg
    begin behave behold believe belong bend benefit bet bind bite blame blend bless block blow boast boil boost
    borrow bounce bow break breathe brew bring brainstorm broadcast browse brush build burn burst bury buy buzz
    calculate call calm cancel capture care carry carve cast catch categorize cause cease celebrate challenge
    change characterize charge chase chat check cheer choose chop cite claim clarify classify clean clear click
    climb close coach code collaborate collapse collect color combine come comfort command comment commit
    communicate compare compete compile complain complete comply compose comprehend compress compute conceal
    concede conceive concentrate conclude conduct confess confirm confront connect conquer consider consist
    consolidate construct consult consume contact contain contemplate continue contrast contribute control convert
    convey convince cook cool cooperate cope copy correct cost count cover crack craft crawl create critique cross
    crush cry cultivate cure customize cut cycle damage dance dare deal debate debug decide declare decline
    decorate decrease dedicate deepen defeat defend define delay delegate delete deliver delve demand demonstrate
    deny depart depend depict deploy derive describe deserve design desire destroy detail detect determine develop
    devise devote diagnose die differ differentiate dig digest direct disagree disappear discard discover discuss
    display dispose distinguish distribute dive divide do document donate doubt download draft drag drain draw
    dream dress drift drill drink drive drop drown dry earn ease eat echo edit educate elaborate elect elevate
    eliminate embark embed embrace emerge emphasize employ empower enable encounter encourage end endure enforce
    engage enhance enjoy enlighten enrich enroll ensure enter entertain equip erase escape establish estimate
    evaluate evolve examine exceed exchange excite exclude execute exercise exhibit exist expand expect experience
    experiment explain explode explore export expose express extend extract face facilitate fade fail fall
    familiarize fasten fear feature feed feel fetch fight figure fill filter finalize find finish fire fit fix
    flee float flow fly focus fold follow forbid force forecast forget forgive form formulate foster frame freeze
    fry fuel fulfill function fuse gain gather gaze generate get give glance glow go govern grab grant grasp greet
    grind grip grow guarantee guard guess guide halt hand handle hang happen harness harvest hate have heal hear
    heat help hesitate hide highlight hike hint hire hit hold hop hope host hover hug hum hunt hurry hurt identify
    ignite ignore illuminate illustrate imagine imitate immerse impact implement imply import impose impress
    improve include incorporate increase indicate indulge infer inflict influence inform inherit initialize
    initiate inject innovate inquire insert insist inspect inspire install integrate intend interact interpret
    introduce invent invest investigate invite involve isolate iterate jog join joke journey judge jump justify
    keep kick kill kiss kneel knit knock know label lack land last laugh launch lay lead lean leap learn leave
    lend let leverage liberate lift like limit link list listen live load locate lock log look loop lose love
    lower maintain make manage manipulate map march mark marvel master match maximize mean measure meditate meet
    melt memorize mention merge mind minimize mitigate mix mock model modify monitor motivate mount move multiply
    name narrate navigate need negotiate nominate notice notify nourish number nurture obey observe obtain occur
    offer omit open operate oppose optimize order organize originate outline overcome overlook oversee own pack
    paint participate partner pass pause pay peek perceive perform permit persist persuade pick pinpoint place
    plan plant play plead please plot point ponder portray pose possess post pour practice practise praise pray
    precede predict prefer prepare present preserve press pretend prevail prevent print prioritize proceed process
    proclaim procure produce program progress prohibit project prolong promise promote prompt propose protect
    prove provide publish pull pulse punch pursue push put qualify quantify quench question quit quote race raise
    rank rate reach react read realize reap rebuild recall receive recite recognize recommend reconsider record
    recover recreate recruit recycle redefine reduce refer refine reflect reform refresh refuse regard register
    regret regulate reinforce reject rejoice relate relax release rely remain remember remind remove rename render
    renew rent reorganize repair repeat rephrase replace reply report represent request require rescue research
    reserve reset resist resolve respect respond rest restore restrict result resume retain retire retrieve return
    reuse reveal reverse review revise revisit revolutionize reward rewrite ride ring rise risk roam roar roll
    rotate ruin rule run rush sail satisfy save savor say scan scatter schedule scrape scream scroll search seat
    secure see seek seem select sell send sense separate serve set settle shake shape share sharpen shed shift
    shine ship shoot shop shorten shout show shower shrink shut sift sign simplify simulate sing sink sit sketch
    skip slay sleep slice slide slip slow smell smile soak soar solve sort sound sow spark speak specialize
    specify spend spin split sponsor spot spread sprint stack stand standardize stare start state stay steal steer
    step stick stimulate stir stop store strategize streamline strengthen stretch strike strip strive structure
    struggle study submit subscribe substitute subtract succeed suffer suggest suit sum summarize supervise supply
    support suppose suppress surf surprise surrender survey survive suspect suspend sustain swallow swap swear
    sweep swim swing switch symbolize sync tackle tag tailor take talk tame tap target taste teach tear tell tempt
    tend terminate test testify thank think thrive throw tie toast toss touch tour trace track trade train
    transcend transfer transform translate transmit transport trap travel treasure treat trigger trim trust try
    tune turn tweak twist type uncover undergo underline understand undertake unify unite unleash unlock unravel
    unveil update upgrade upload urge use utilize validate value vanish vary venture verify view visit visualize
    volunteer vote wait wake walk wander want warm warn wash waste watch water wave wear weave weigh welcome whir
    whisk whisper win wipe wish withdraw witness wonder work worry worship wrap write yearn yell yield zoom
    """
)
"""Base forms of common English verbs, with those that open instructions and answers."""

IRREGULAR_VERB_FORMS: frozenset[str] = _set(
    """
    am is are was were be been being has had does did done went gone got gotten made said says took taken came saw
    seen knew known gave given found thought told became left felt brought began begun kept held wrote written
    stood heard meant met ran paid sat spoke spoken led read grew grown lost fell fallen sent built understood
    drew drawn broke broken spent rose risen drove driven bought wore worn chose chosen ate eaten flew flown
    forgot forgotten sang sung swam swum drank drunk sold taught caught fought sought slept swept wept dealt
    dreamt burnt learnt
    """
)

SYLLABLES: Mapping[str, int] = MappingProxyType(
    {
        "areas": 3,
        "business": 2,
        "every": 2,
        "everyone": 3,
        "everything": 3,
        "evening": 2,
        "eye": 1,
        "eyes": 1,
        "ideas": 3,
        "maybe": 2,
        "moreover": 3,
        "one": 1,
        "people": 2,
    }
)
"""Frequent words that the spelling rules get wrong."""
