"""Running text of an invented agreement: sentences that carry fields, and sentences that only look so."""

from random import Random

from recto_training.synthetic import banks, wordings
from recto_training.synthetic.banks import Split
from recto_training.synthetic.facts import Facts
from recto_training.synthetic.markup import mark
from recto_training.synthetic.salad import nonsense
from recto_training.synthetic.wordings import ADDRESS, CARD, DATE, LOCAL, MIN_PAYMENT, PROVIDER, WORDS


class Prose:
    """Says what the facts say, in sentences of one part of the banks."""

    def __init__(self, rng: Random, facts: Facts, words: Split, names: Split) -> None:
        self.rng = rng
        self.facts = facts
        self.words = words
        self.names = names

    @property
    def provider(self) -> str:
        """The provider's name, sometimes the short form."""
        name = self.facts.provider if self.rng.random() < 0.75 else self.facts.short
        return mark(PROVIDER, name)

    @property
    def card(self) -> str:
        return mark(CARD, self.rng.choice(self.facts.cards))

    @property
    def address(self) -> str:
        return mark(ADDRESS, ", ".join(self.rng.choice(self.facts.addresses)))

    def label(self, field: int) -> str:
        """A name of the field for a table, sometimes with a colon or in capitals."""
        text = WORDS[field].labels.pick(self.rng, self.words)
        if self.rng.random() < 0.1:
            text = text.upper()
        return text + (":" if self.rng.random() < 0.25 else "")

    def cell(self, field: int) -> str:
        """The value of a field as a table's cell has it."""
        return self._filled(WORDS[field].cells.pick(self.rng, self.words), field)

    def sentence(self, field: int) -> str:
        """The value of a field in a sentence."""
        return self._filled(WORDS[field].sentences.pick(self.rng, self.words), field)

    def question(self, field: int) -> str:
        return wordings.QUESTIONS[field].pick(self.rng, self.words)

    def date(self) -> str:
        """The sentence with the effective date; empty where the agreement has none."""
        if self.facts.date is None:
            return ""
        return wordings.DATE_SENTENCES.pick(self.rng, self.words).format(v=mark(DATE, self.facts.date))

    def min_payment(self) -> str:
        form = wordings.MIN_PAYMENTS.pick(self.rng, self.words)
        clause = mark(
            MIN_PAYMENT, form.format(a=self.rng.choice((10, 15, 20, 25, 29, 35)), s=self.rng.choice("12345"))
        )
        return wordings.MIN_PAYMENT_SENTENCES.pick(self.rng, self.words).format(v=clause)

    def local_term(self) -> str:
        state = banks.STATE_NAME.pick(self.rng, self.names)
        form = wordings.LOCAL_TERMS.pick(self.rng, self.words)
        return mark(
            LOCAL, form.format(state=state, a=self.rng.choice((10, 15, 20)), s=self.rng.choice((10, 12, 18)))
        )

    def provider_sentence(self) -> str:
        form = wordings.PROVIDER_SENTENCES.pick(self.rng, self.words)
        return form.format(p=self.provider, c=self.card)

    def issuer_sentence(self) -> str:
        """Who issues which card."""
        form = wordings.ISSUER_SENTENCES.pick(self.rng, self.words)
        return form.format(p=self.provider, c=self.card)

    def address_sentence(self) -> str:
        form = wordings.ADDRESS_SENTENCES.pick(self.rng, self.words)
        return form.format(p=self.provider, a=self.address, t=banks.phone(self.rng))

    def boilerplate(self) -> str:
        """A sentence without any field, though it may hold dates, rates, amounts and addresses."""
        if self.words is Split.SEEN and self.rng.random() < 0.4:
            decoys = (
                self._amount(),
                self._rate(),
                banks.long_date(self.rng),
                self.rng.choice(banks.AUTHORITY),
            )
            return nonsense(self.rng, *(self.rng.sample(decoys, self.rng.choice((0, 0, 1, 2)))))
        return wordings.BOILERPLATE.pick(self.rng, self.words).format(
            amount=self._amount(),
            date=banks.long_date(self.rng),
            rate=self._rate(),
            authority=self.rng.choice(banks.AUTHORITY),
            phone=banks.phone(self.rng),
        )

    def paragraph(self, num_sentences: int, *extra: str) -> str:
        """Some sentences without fields, with the given ones strewn in."""
        sentences = [self.boilerplate() for _ in range(num_sentences)]
        for sentence in extra:
            sentences.insert(self.rng.randint(0, len(sentences)), sentence)
        return " ".join(sentence for sentence in sentences if sentence)

    def footer(self) -> str:
        """What stands at the foot of pages."""
        year = self.rng.randint(2012, 2026)
        return self.rng.choice(
            (
                f"© {year} {mark(PROVIDER, self.facts.provider)}. All rights reserved.",
                f"{mark(PROVIDER, self.facts.provider)} Member FDIC",
                f"Form {self.rng.randint(100, 9999)} (Rev. {self.rng.randint(1, 12):02}/{year % 100:02})",
                f"CCA-{self.rng.randint(1000, 9999)} {year}",
            )
        )

    def _filled(self, form: str, field: int) -> str:
        text = form.format(v=self.facts.value(field), d=self._rate())
        return text[:1].upper() + text[1:]

    def _rate(self) -> str:
        choices = (f"{self.rng.randint(100, 2999) / 100:.2f}%", f"0.0{self.rng.randint(1000, 9999)}%")
        return self.rng.choice((*choices, f"{self.rng.randint(3, 29)}%"))

    def _amount(self) -> str:
        return self.rng.choice(("$5", "$25", "$100", "$500", "$1,000", "$250.00", "$35", "$0.89", "$15"))
