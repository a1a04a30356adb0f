"""What one invented agreement says: its provider, cards, rates and fees. Not how the pages look."""
# ruff: noqa: E501 - lists of words

from dataclasses import dataclass
from random import Random

from recto_training.synthetic import banks, final_words, more_words, wordings
from recto_training.synthetic.banks import Split, bank
from recto_training.synthetic.markup import mark

# What is held out are ways of wording a value; bare ones (`15.24%`, `$25`, `None`) have no wording to hold
# out and stand in both parts.
BARE = frozenset(
    {
        "{p}%",
        "{s}%",
        "${a}",
        "${b}",
        "None",
        "{v}",
        "{v}.",
        "${a}.00",
        "${b}.00",
        "$0",
        "Up to ${b}",
        "{p}% APR",
        "$0.50",
        "$1.50",
        "$2.00",
    }
)
"""Values and cells that are worded alike everywhere."""
PLAIN = frozenset(
    {"{p}% - {q}%", "{p}%, {q}%, or {r}%", "No annual fee", "P.O. Box {}", "PO Box {}", "{} Card"}
)
"""Forms without any wording of their own that training and the test share, since real agreements do."""

INTRO_FORMS = bank(
    "{p}%<~ introductory APR~ APR~ fixed> for <~the first ~your first ~a period of >{n} <months~months~billing cycles~billing periods>|{p}% for {n} months|Prime + {m}% for the first {n} months|{p}% until the <first~last> day of the {n}th <month~billing cycle>"
    "|" + more_words.INTRO_FORMS,
    "{p}% during the first {n} statement periods|{p}% over your first {n} months",
    final_words.INTRO_FORMS,
)
RATE_FORMS = bank(
    "{p}%|{p}%|{p}%|{p}% APR|{p}% <to~-~–~through~and> {q}%|{p}%, {q}%<~,> or {r}%|{p}% or {q}%|<Prime~Prime Rate~Prime rate~Index~Index Rate~WSJ Prime~Prime Rate Index> <+~plus~+> {m}%|<Prime~Prime Rate> + {m}% <to~or> <Prime~Prime Rate> + {r}%|{p}% ({m}% above Prime)|{p}%, {q}%, {r}%"
    "|" + more_words.RATE_FORMS,
    "{p}%|{p}%|{p}%|{p}%|{p}% up to {q}%|U.S. Prime Rate + {m}%|Prime Rate plus a margin of {m}%|{p}% / {q}%|{p}% per year",
    final_words.RATE_FORMS,
)
ANNUAL_FORMS = bank(
    "None|None|${a}|${a}.00|$0|${a}|No annual fee|No fee|Waived|${a}, ${b} for each additional card"
    "|" + more_words.ANNUAL_FORMS,
    "None|${a}|${a}|Free|USD {a}|$0.00|Nil",
    final_words.ANNUAL_FORMS,
)
TRANSFER_FORMS = bank(
    "<~Either ~>${a} or {s}% of <the amount of each transfer~each transfer~the transfer amount~the amount transferred~the transaction>, whichever is <greater~more~higher>|{s}% of <the amount of each transfer~each transfer~the transfer amount~the amount transferred><~, minimum ${a}~ (minimum ${a})~ with a minimum of ${a}~ but not less than ${a}>|None|${a}|${a} per transfer|{s}%"
    "|" + more_words.TRANSFER_FORMS,
    "None|{s}%|{s}% of each transferred balance ($ {a} minimum)|The greater of ${a} or {s}% of each transfer|{s}%, at least ${a}",
    final_words.TRANSFER_FORMS,
)
PENALTY_FEE_FORMS = bank(
    "<Up to~up to~Not more than~Maximum> ${b}|<Up to~up to> ${b}.00|${b}|${b}.00|None|Up to ${b} per occurrence|${a} for the first and ${b} for each later one|${a} or ${b}|{s}% of the payment|No charge"
    "|" + more_words.PENALTY_FEE_FORMS,
    "${b}|${b}|None|As much as ${b}|max. ${b}|${a} to ${b}",
    final_words.PENALTY_FEE_FORMS,
)
FOREIGN_FORMS = bank(
    "{s}% of <each transaction~the US dollar amount~the U.S. dollar amount~the transaction amount~each foreign transaction~the amount~each purchase><~ in U.S. dollars~ of the transaction~ after conversion>|None|{s}%|Up to {s}% of each transaction in U.S. dollars|<1%~2%> of each <single-currency~multi-currency> transaction"
    "|" + more_words.FOREIGN_FORMS,
    "None|{s}%|{s}% of the converted amount|{s}% of every transaction abroad|{s}% surcharge",
    final_words.FOREIGN_FORMS,
)
OTHER_FEE_FORMS = bank(
    "<~Either >${a} or {s}% of <the amount of each cash advance~each cash advance~the advance>, whichever is <greater~more>|<no less than~not less than> <$0.50~$1.00~$2>|{s}% of <each cash advance~the amount advanced><~, minimum ${a}>|${a}|Up to ${b}|${a}.00|${a} per <copy~page~hour>|None"
    "|" + more_words.OTHER_FEE_FORMS,
    "${a}|${a}|{s}% of the cash drawn, at least ${a}|at least $0.75|max. ${b}",
    final_words.OTHER_FEE_FORMS,
)
FEE_FORMS = {
    wordings.ANNUAL: ANNUAL_FORMS,
    wordings.BALANCE_FEE: TRANSFER_FORMS,
    wordings.LATE: PENALTY_FEE_FORMS,
    wordings.RETURNED: PENALTY_FEE_FORMS,
    wordings.FOREIGN: FOREIGN_FORMS,
    wordings.OTHER_FEE: OTHER_FEE_FORMS,
}
PRESENCE = {
    wordings.INTRO: 0.45,
    wordings.PURCHASE: 0.9,
    wordings.BALANCE: 0.8,
    wordings.CASH: 0.8,
    wordings.PENALTY: 0.6,
    wordings.OTHER_RATE: 0.15,
    wordings.ANNUAL: 0.9,
    wordings.BALANCE_FEE: 0.75,
    wordings.LATE: 0.9,
    wordings.RETURNED: 0.75,
    wordings.FOREIGN: 0.8,
    wordings.OTHER_FEE: 0.8,
}


@dataclass(frozen=True)
class Facts:
    """The content of an agreement; values are marked texts."""

    provider: str
    short: str
    cards: list[str]
    addresses: list[list[str]]
    date: str | None
    values: dict[int, str]
    """The value of each rate and fee that the agreement has, by class id, not yet marked."""

    def value(self, field: int) -> str:
        return mark(field, self.values[field])

    @property
    def rate_fields(self) -> list[int]:
        general = [wordings.GENERAL] if wordings.GENERAL in self.values else []
        return general + [field for field in wordings.RATE_FIELDS if field in self.values]

    @property
    def fee_fields(self) -> list[int]:
        return [field for field in (*wordings.FEE_FIELDS, wordings.OTHER_FEE) if field in self.values]


def sample_facts(rng: Random, *, names: Split, words: Split) -> Facts:
    """Facts with names from one part of the banks and wordings from another."""
    provider, short = banks.provider_name(rng, names)
    present = [field for field, share in PRESENCE.items() if rng.random() < share]
    if rng.random() < 0.2:
        kinds = (wordings.PURCHASE, wordings.BALANCE, wordings.CASH, wordings.OTHER_RATE)
        present = [wordings.GENERAL, *(field for field in present if field not in kinds)]
    return Facts(
        provider=provider,
        short=short,
        cards=banks.card_names(rng, names),
        addresses=[banks.address(rng, names) for _ in range(rng.choice((1, 1, 2)))],
        date=banks.long_date(rng) if rng.random() < 0.75 else None,
        values={field: sample_value(rng, field, words) for field in present},
    )


def sample_value(rng: Random, field: int, words: Split) -> str:
    """A value as an agreement would print it."""
    if field == wordings.INTRO:
        form = INTRO_FORMS.pick(rng, words)
    else:
        form = FEE_FORMS.get(field, RATE_FORMS).pick(rng, words)
    low = rng.choice((rng.randint(600, 2999) / 100, rng.randint(60, 299) / 10))
    if field == wordings.INTRO:
        low = rng.choice((0, 0, 1.99, 2.9, 3.99, 4.99, 9.9, 9.99))
    rates = [low, low + rng.randint(2, 6), low + rng.randint(7, 10)]
    digits = rng.choice((2, 2, 2, 1)) if low else rng.choice((0, 2))
    p, q, r = (f"{rate:.{digits}f}" for rate in rates)
    return form.format(
        p=p,
        q=q,
        r=r,
        m=f"{rng.randint(100, 2199) / 100:.2f}",
        n=rng.choice((6, 6, 9, 12, 12, 15, 18)),
        a=rng.choice((5, 10, 15, 20, 25, 29, 35, 45, 49, 59, 75, 95, 99, 120)),
        b=rng.choice((15, 20, 25, 27, 28, 30, 35, 37, 38, 39, 40, 41)),
        s=rng.choice(("1", "2", "3", "3", "4", "5", "2.5", "0.8")),
    )
