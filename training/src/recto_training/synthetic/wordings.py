"""How agreements name their rates and fees and talk about them, in a part for training and one kept from it.

`{v}` stands for the marked value, `{d}` for a rate, a date or an amount that is no field (a decoy).
All sentences were written for this project.
"""
# ruff: noqa: E501 - lists of words

from typing import NamedTuple

from recto_training.synthetic import final_words, more_words
from recto_training.synthetic.banks import Bank, bank


class FieldWords(NamedTuple):
    """The ways of speaking of one field."""

    labels: Bank
    """Names in tables and lists."""
    cells: Bank
    """What stands in the value's cell."""
    sentences: Bank
    """The same in running text."""


DATE, INTRO, BALANCE, CASH, PURCHASE, PENALTY, GENERAL, OTHER_RATE = range(8)
ANNUAL, BALANCE_FEE, LATE, RETURNED, FOREIGN, OTHER_FEE, CARD, ADDRESS, PROVIDER, MIN_PAYMENT, LOCAL = range(
    8, 19
)

RATE = (
    "<APR~APR~Annual Percentage Rate~Annual Percentage Rate (APR)~ANNUAL PERCENTAGE RATE~interest rate~rate~variable "
    "APR>"
)
IS = "<is~is~will be~equals~shall be~is currently~is set at~is fixed at~amounts to>"
LEAD = "<~~~~Please note: ~Unless we tell you otherwise, ~In addition, ~During this agreement, ~After approval, ~As a rule, >"
WHY = (
    "<, based on your creditworthiness~, based on your credit history~ when you open your account~ as of the date of "
    "this notice~, determined when you apply~, adjusted each quarter>"
)
VARY = (
    "<This APR will vary with the market based on the Prime Rate.~This APR is fixed.~Your APR may change with the "
    "index.~This is a variable rate.~We calculate it monthly.~See the notes below.>"
)
RATE_CELLS = (
    "{v}|{v}|{v}|{v}|{v} <variable~(variable)~fixed~(fixed)~*~†>|{v}"
    + WHY
    + "|{v}"
    + WHY
    + ". "
    + VARY
    + "|{v} "
    + VARY
    + "|{v}. "
    + VARY
    + "|Currently {v}|{v} <for all accounts~for qualified members~on new balances~after approval>"
)
HELD_RATE_CELLS = "{v} depending on your credit history|The rate is {v} and may change monthly"
PENALTY_WHY = (
    "<This APR may be applied to your account if you: (1) make a late payment; (2) go over your credit limit; or (3) "
    "make a payment that is returned.~How long will it apply? Until you make six consecutive minimum payments when "
    "due.~It applies if your payment is more than 60 days late.~We may apply it for an indefinite time.~This rate ends "
    "after six payments on time.~It may be used if you break any promise in this agreement.>"
)


def _kind_labels(many: str, one: str) -> str:
    """Names of the rate for a kind of transaction."""
    return (
        f"{RATE} <for~for~on~applied to~-~–> <~~new ~all ~standard >{many}|{one} {RATE}|{one} {RATE}|{many}|{many} {RATE}|"
        f"<Standard~Regular~Current~Variable~Your> {RATE} <for~on> {many}|{RATE} <for~on> {many} and <fees~other charges>"
    )


def _kind_sentences(many: str, one: str) -> str:
    """The rate for a kind of transaction in running text."""
    return (
        f"{LEAD}<the~your~our~the standard> {RATE} <for~on~that applies to~applicable to> {many} {IS} {{v}}<~{WHY}>.|"
        f"{LEAD}{many} <are charged interest at~are billed at~carry interest of~are subject to> {{v}}.|"
        f"{LEAD}the {RATE} for {many} {IS} {{v}}, <a daily periodic rate of~which is a monthly rate of~that is> {{d}}.|"
        f"{LEAD}we <charge~apply~assess> <~a rate of ~interest of >{{v}} <on~for> {many}.|"
        f"{LEAD}your {one} {RATE} {IS} {{v}}<~ and applies to the whole balance~ until further notice>.|"
        f"{one} {RATE}: {{v}}.|{many}: {{v}}|If you make use of {many}, <you pay~you will be charged> {{v}}."
    )


def _fee_labels(name: str, more: str) -> str:
    """Names of a fee."""
    return (
        f"{name}|{name} <Fee~fee~Charge~FEE>|{name} <Fee~fee>|Fee for <~each >{name}|<Transaction Fee~Penalty Fee~"
        f"Fees>: {name}|• {name} Fee|{more}"
    )


def _fee_sentences(name: str) -> str:
    """A fee in running text."""
    return (
        f"{LEAD}the {name} <fee~charge> {IS} {{v}}.|{LEAD}we <charge~apply~assess~add> a {name} <fee~charge> of {{v}}<~ to "
        f"your account~ each time~ on the day it occurs>.|{name} <Fee~fee~charge>: {{v}}.|{LEAD}a {name} fee of {{v}} "
        f"<applies~is due~is charged~will be billed>.|You <agree to pay~must pay~will pay> a {name} fee of {{v}}<~ for each "
        f"one>.|The fee for <a~each~any> {name} {IS} {{v}}."
    )


WORDS: dict[int, FieldWords] = {
    BALANCE: FieldWords(
        bank(
            _kind_labels(
                "<balance transfers~Balance Transfers~Balance transfers>",
                "<Balance Transfer~balance transfer>",
            )
            + "|"
            + more_words.LABELS["BALANCE"],
            "Annual rate on transferred balances|What we charge on balance transfers|Balance transfers: yearly rate",
            final_words.LABELS["BALANCE"],
        ),
        bank(RATE_CELLS + "|" + more_words.CELLS["BALANCE"], HELD_RATE_CELLS, final_words.CELLS["BALANCE"]),
        bank(
            _kind_sentences(
                "<balance transfers~Balance Transfers~Balance transfers>",
                "<Balance Transfer~balance transfer>",
            )
            + "|"
            + more_words.SENTENCES["BALANCE"],
            "If you move a balance to us, it bears interest at {v}.|Balance transfers accrue at an annual rate of {v}.",
            final_words.SENTENCES["BALANCE"],
        ),
    ),
    CASH: FieldWords(
        bank(
            _kind_labels(
                "<cash advances~Cash Advances~Cash Advances and Convenience Checks>",
                "<Cash Advance~cash advance~Cash>",
            )
            + "|"
            + more_words.LABELS["CASH"],
            "Annual rate on cash advances|What we charge on cash advances|Cash advances: yearly rate",
            final_words.LABELS["CASH"],
        ),
        bank(RATE_CELLS + "|" + more_words.CELLS["CASH"], HELD_RATE_CELLS, final_words.CELLS["CASH"]),
        bank(
            _kind_sentences(
                "<cash advances~Cash Advances~Cash Advances and Convenience Checks>",
                "<Cash Advance~cash advance~Cash>",
            )
            + "|"
            + more_words.SENTENCES["CASH"],
            "If you withdraw cash, it bears interest at {v}.|Cash advances accrue at an annual rate of {v}.",
            final_words.SENTENCES["CASH"],
        ),
    ),
    PURCHASE: FieldWords(
        bank(
            _kind_labels("<purchases~Purchases~Purchases>", "<Purchase~purchase~Purchases>")
            + "|"
            + more_words.LABELS["PURCHASE"],
            "Annual rate on purchases|What we charge on purchases|Purchases: yearly rate",
            final_words.LABELS["PURCHASE"],
        ),
        bank(RATE_CELLS + "|" + more_words.CELLS["PURCHASE"], HELD_RATE_CELLS, final_words.CELLS["PURCHASE"]),
        bank(
            _kind_sentences("<purchases~Purchases~Purchases>", "<Purchase~purchase~Purchases>")
            + "|"
            + more_words.SENTENCES["PURCHASE"],
            "If you buy goods with your card, purchases bear interest at {v}.|Purchases accrue at an annual rate of {v}.",
            final_words.SENTENCES["PURCHASE"],
        ),
    ),
    INTRO: FieldWords(
        bank(
            "<Introductory~Intro~Promotional~Special introductory~Initial> <APR~Rate~rate~Annual Percentage Rate>|<Introductory~Promotional> <APR~rate> for <purchases~balance transfers~purchases and balance transfers>|<Introductory~Special> offer|<Welcome~New member> <APR~rate>"
            "|" + more_words.LABELS["INTRO"],
            "Initial promotional rate|Intro rate for new accounts|Opening APR offer",
            final_words.LABELS["INTRO"],
        ),
        bank(
            "{v}|{v}|{v}. <After that~Then~Thereafter~After this period>, <your APR will be~the rate will be~we apply> {d}.|{v}, then {d}|{v} from account opening. Thereafter {d}.|{v} <on qualifying transactions~for new members~on transfers made early>|{v}; <afterwards~later> {d}"
            "|" + more_words.CELLS["INTRO"],
            "{v} and then the standard rate applies|{v} (new accounts only)",
            final_words.CELLS["INTRO"],
        ),
        bank(
            "We <may offer~offer~grant> you {v} on <purchases~balance transfers>.|You will receive <a rate of ~>{v}.|New <accounts~members> <enjoy~get~receive> {v} before the standard rate applies.|Introductory <APR~rate>: {v}. After that the rate is {d}.|Your <introductory~promotional> <rate~APR> is {v}, and after this period it will be {d}.|The <introductory~promotional~special> <APR~rate> is {v}<~ for new accounts>."
            "|" + more_words.SENTENCES["INTRO"],
            "For a limited time your balance is charged at {v} instead of {d}.|The opening offer is {v}.",
            final_words.SENTENCES["INTRO"],
        ),
    ),
    PENALTY: FieldWords(
        bank(
            "<Penalty~Default> <APR~Rate~rate~Annual Percentage Rate>|<Penalty APR~Default rate> and When it Applies|<Penalty~Default> pricing|<Increased~Higher> <penalty~default> <APR~rate>|PENALTY APR"
            "|" + more_words.LABELS["PENALTY"],
            "Penalty rate and its conditions|APR after default",
            final_words.LABELS["PENALTY"],
        ),
        bank(
            "{v}|{v}|{v} "
            + PENALTY_WHY
            + "|{v}. "
            + PENALTY_WHY
            + " "
            + PENALTY_WHY
            + "|Up to {v} if you default under this agreement|{v} may be applied if you are 60 days late|{v} <variable~fixed>"
            + "|"
            + more_words.CELLS["PENALTY"],
            "{v}, once two payments in a row are missed|{v} where the account is in default",
            final_words.CELLS["PENALTY"],
        ),
        bank(
            "If your payment is <more than 60 days~two months> late, the penalty <APR~rate> of {v} may apply.|The <default~penalty> <rate~APR> <is~will be> {v}.|We may <increase~raise> your rate to the penalty APR, which is {v}.|A <penalty~default> rate of {v} applies until you make six payments on time.|Upon default <we may charge~your account will be charged> {v}.|Penalty APR: {v}."
            "|" + more_words.SENTENCES["PENALTY"],
            "After default, the balance bears a penalty rate of {v}.|Missing two payments raises your APR to {v}.",
            final_words.SENTENCES["PENALTY"],
        ),
    ),
    GENERAL: FieldWords(
        bank(
            RATE
            + "|"
            + RATE
            + "|<Standard~Current~Your> "
            + RATE
            + "|"
            + RATE
            + " <for all transactions~on your account~for this account~for all balances>"
            + "|"
            + more_words.LABELS["GENERAL"],
            "Annual interest rate|Account APR",
            final_words.LABELS["GENERAL"],
        ),
        bank(
            RATE_CELLS + "|" + more_words.CELLS["GENERAL"],
            "{v} on every balance|The rate is {v}",
            final_words.CELLS["GENERAL"],
        ),
        bank(
            "<The~Your> "
            + RATE
            + " <on~for> <your account~this account~all transactions> "
            + IS
            + " {v}.|Interest accrues at {v} a year on the unpaid balance.|Your APR is {v}, which is a monthly periodic rate of {d}.|<The~Your> "
            + RATE
            + " that applies to your account "
            + IS
            + " {v}<~, the same for all transactions>.|"
            + RATE
            + ": {v}."
            + "|"
            + more_words.SENTENCES["GENERAL"],
            "All balances bear interest at {v} per annum.|The account's annual rate is {v}.",
            final_words.SENTENCES["GENERAL"],
        ),
    ),
    OTHER_RATE: FieldWords(
        bank(
            RATE
            + " for <Overdraft Advances~overdraft advances~Promotional Checks~overdraft protection>|<Overdraft Protection~Overdraft~Promotional Check~Pay Over Time> "
            + RATE
            + "|"
            + more_words.LABELS["OTHER_RATE"],
            "APR for instalment plans|Overdraft transfer rate",
            final_words.LABELS["OTHER_RATE"],
        ),
        bank(
            "{v}|{v}|{v} <variable~fixed>|{v}." + "|" + more_words.CELLS["OTHER_RATE"],
            "{v} for such advances",
            final_words.CELLS["OTHER_RATE"],
        ),
        bank(
            LEAD
            + "the "
            + RATE
            + " for <overdraft advances~overdraft protection~promotional checks> "
            + IS
            + " {v}.|<Promotional checks~Overdraft advances> are charged interest at {v}."
            + "|"
            + more_words.SENTENCES["OTHER_RATE"],
            "Overdraft transfers bear interest at {v}.",
            final_words.SENTENCES["OTHER_RATE"],
        ),
    ),
    ANNUAL: FieldWords(
        bank(
            "<Annual~Yearly> <Fee~fee~Membership Fee~Card Fee~Fees~membership fee>|<Membership~Card> Fee <~(annual)~per annum>|Annual|ANNUAL FEE|Annual Fee <~(per account)~- primary card>|• Annual Fee"
            "|" + more_words.LABELS["ANNUAL"],
            "Annual charge|Fee per year",
            final_words.LABELS["ANNUAL"],
        ),
        bank(
            "{v}|{v}|{v}|{v} <annually~yearly~billed once a year~a year>|{v} (waived the first year)|{v}<.~*~†>|{v} <for the primary card~per account>"
            "|" + more_words.CELLS["ANNUAL"],
            "{v} each year|{v} every 12 months",
            final_words.CELLS["ANNUAL"],
        ),
        bank(
            "<The~Your~Our> annual <fee~membership fee> "
            + IS
            + " {v}.|We <charge~bill> an annual <membership ~>fee of {v}<~ on your first statement>.|Annual Fee: {v}.|A yearly fee of {v} is billed to your account.|"
            + LEAD
            + "an annual fee of {v} <applies~is due~is charged to your account>."
            + "|"
            + more_words.SENTENCES["ANNUAL"],
            "Every year you pay an annual fee of {v}.|Membership costs an annual fee of {v}.",
            final_words.SENTENCES["ANNUAL"],
        ),
    ),
    BALANCE_FEE: FieldWords(
        bank(
            _fee_labels("<Balance Transfer~Balance transfer~balance transfer>", "Balance Transfers")
            + "|"
            + more_words.LABELS["BALANCE_FEE"],
            "Charge for transferring a balance|Fee per balance transfer",
            final_words.LABELS["BALANCE_FEE"],
        ),
        bank(
            "{v}|{v}|{v}<.~*~†>|{v} <added to the balance~per transaction>"
            "|" + more_words.CELLS["BALANCE_FEE"],
            "{v} at the time of transfer|Fee: {v}",
            final_words.CELLS["BALANCE_FEE"],
        ),
        bank(
            _fee_sentences("<Balance Transfer~Balance transfer~balance transfer>")
            + "|For each balance transfer we add a fee of {v}."
            + "|"
            + more_words.SENTENCES["BALANCE_FEE"],
            "Transferring a balance costs {v}.|A balance transfer carries a fee of {v}.",
            final_words.SENTENCES["BALANCE_FEE"],
        ),
    ),
    LATE: FieldWords(
        bank(
            _fee_labels(
                "<Late Payment~Late payment~late payment~Late>", "Late Charge|Past Due Fee|LATE PAYMENT"
            )
            + "|"
            + more_words.LABELS["LATE"],
            "Charge for late payment|Fee if you pay late",
            final_words.LABELS["LATE"],
        ),
        bank(
            "{v}|{v}|{v} <if your payment is more than 10 days late~when a payment is late~if we do not receive your payment in time~after ten days>|{v}<.~*~†>"
            "|" + more_words.CELLS["LATE"],
            "{v} for every late payment|{v} after the grace period",
            final_words.CELLS["LATE"],
        ),
        bank(
            _fee_sentences("<Late Payment~Late payment~late payment~Late>")
            + "|If we do not receive your payment by the due date, <a fee of {v} applies~you pay {v}~we charge {v}>.|A late charge of {v} is added if your payment is more than 10 days late.|The late fee is {v}."
            + "|"
            + more_words.SENTENCES["LATE"],
            "Paying late costs a late fee of {v}.|We add {v} whenever a payment comes in late.",
            final_words.SENTENCES["LATE"],
        ),
    ),
    RETURNED: FieldWords(
        bank(
            _fee_labels(
                "<Returned Payment~Returned payment~Returned Check~Returned Item~returned payment>",
                "NSF Returned Payment|Returned Payments|Dishonored Payment Fee",
            )
            + "|"
            + more_words.LABELS["RETURNED"],
            "Charge for returned payments|Fee if a payment is returned",
            final_words.LABELS["RETURNED"],
        ),
        bank(
            "{v}|{v}|{v} <for each returned payment~if your payment is returned unpaid~each time~when your check is not honored>|{v}<.~*~†>"
            "|" + more_words.CELLS["RETURNED"],
            "{v} for every item that is returned|{v} per returned item",
            final_words.CELLS["RETURNED"],
        ),
        bank(
            _fee_sentences(
                "<Returned Payment~Returned payment~Returned Check~Returned Item~returned payment>"
            )
            + "|If your payment is returned <for any reason~unpaid~by your bank>, we charge <a fee of ~>{v}.|A fee of {v} is added for each payment returned unpaid.|The returned check fee is {v}."
            + "|"
            + more_words.SENTENCES["RETURNED"],
            "A returned payment costs a fee of {v}.|We add {v} whenever a payment is returned.",
            final_words.SENTENCES["RETURNED"],
        ),
    ),
    FOREIGN: FieldWords(
        bank(
            _fee_labels(
                "<Foreign Transaction~Foreign transaction~International Transaction~Foreign Currency Transaction~Foreign Exchange>",
                "Foreign Transactions|Currency Conversion Fee|Cross-border Transaction Fee",
            )
            + "|"
            + more_words.LABELS["FOREIGN"],
            "Charge for foreign transactions|Fee for transactions abroad",
            final_words.LABELS["FOREIGN"],
        ),
        bank(
            "{v}|{v}|{v}<.~*~†>|{v} <after conversion~in addition>" + "|" + more_words.CELLS["FOREIGN"],
            "Fee: {v}|{v} added to the transaction",
            final_words.CELLS["FOREIGN"],
        ),
        bank(
            _fee_sentences(
                "<Foreign Transaction~Foreign transaction~International Transaction~Foreign Currency Transaction~Foreign Exchange>"
            )
            + "|For transactions made in a foreign country we charge {v}.|A foreign transaction fee of {v} applies whether or not there is a currency conversion.|If you use your card <abroad~outside the United States~in another country>, <we add~you pay> {v}."
            + "|"
            + more_words.SENTENCES["FOREIGN"],
            "Transactions abroad carry a foreign fee of {v}.|Using the card in a foreign country costs {v}.",
            final_words.SENTENCES["FOREIGN"],
        ),
    ),
    OTHER_FEE: FieldWords(
        bank(
            _fee_labels(
                "<Cash Advance~Minimum Interest~Over Limit~Over-the-Credit-Limit~Card Replacement~Stop Payment~Expedited Payment~Research~Statement Copy~Rush Delivery~Wire Transfer>",
                "Minimum Interest Charge|Cash Advance Fee|Document Copies",
            )
            + "|"
            + more_words.LABELS["OTHER_FEE"],
            "Fee for a cash advance|Minimum charge for interest|Replacement card charge",
            final_words.LABELS["OTHER_FEE"],
        ),
        bank(
            "{v}|{v}|{v} each|{v}.|{v} <per copy~per item~per card~when requested>"
            "|" + more_words.CELLS["OTHER_FEE"],
            "Fee: {v}|{v} per request",
            final_words.CELLS["OTHER_FEE"],
        ),
        bank(
            _fee_sentences(
                "<Cash Advance~Minimum Interest~Over Limit~Over-the-Credit-Limit~Card Replacement~Stop Payment~Expedited Payment~Research~Statement Copy~Rush Delivery~Wire Transfer>"
            )
            + "|If you are charged interest, the charge will be {v}.|We charge {v} to replace a lost card.|Copies of statements cost {v} each.|<Rush delivery~A stop payment order~A wire transfer> costs {v}."
            + "|"
            + more_words.SENTENCES["OTHER_FEE"],
            "A cash advance carries a fee of {v}.|A replacement card costs {v}.",
            final_words.SENTENCES["OTHER_FEE"],
        ),
    ),
}

RATE_FIELDS = (INTRO, PURCHASE, BALANCE, CASH, PENALTY, OTHER_RATE)
FEE_FIELDS = (ANNUAL, BALANCE_FEE, FOREIGN, LATE, RETURNED)

DATE_SENTENCES = bank(
    "<This~Your> <Agreement~agreement> <is~becomes> effective <~on ~as of >{v}.|Effective<~ Date~:~ Date:> {v}|The information <in this table~above~in this notice> is accurate as of {v}.|These terms <are effective as of~apply as of~begin on> {v}<~ and replace all earlier terms>.|EFFECTIVE {v}|The terms of this agreement apply from {v}.|Agreement effective date<~:> {v}|<Rates~Terms> effective <~as of >{v}"
    "|" + more_words.DATE_SENTENCES,
    "This agreement takes effect on {v}.|In force since {v}|Terms valid from {v}",
    final_words.DATE_SENTENCES,
)
MIN_PAYMENTS = bank(
    "the <greater~larger> of ${a} or {s}% of <your~the> <new ~~total >balance<~ plus interest and late fees~, plus any amount past due~ and all fees>|{s}% of the <New Balance~outstanding balance~balance> or ${a}, whichever is <greater~more>|the total of {s}% of the new balance, the interest charged<~ and any past due amount>, but <at least~not less than> ${a}|<all interest~the fees> and {s}% of the principal, with a minimum of ${a}|your whole balance if it is less than ${a}, otherwise {s}% of it"
    "|" + more_words.MIN_PAYMENTS,
    "5% of what you owe, never less than $10|the higher of $27 and 1% of the balance plus billed interest",
    final_words.MIN_PAYMENTS,
)
MIN_PAYMENT_SENTENCES = bank(
    "Your <minimum payment~Minimum Payment Due> <will be~is~equals> {v}.|The Minimum Payment Due each month <equals~is> {v}.|You must pay at least {v}<~ each month~ by the due date>.|We <calculate~figure> <your~the> minimum payment as {v}.|Minimum <payment~monthly payment>: {v}.|Each <month~billing cycle> you <agree to~must> pay {v}."
    "|" + more_words.MIN_PAYMENT_SENTENCES,
    "At least this is due every month: {v}.|The smallest monthly payment is {v}.",
    final_words.MIN_PAYMENT_SENTENCES,
)
LOCAL_TERMS = bank(
    "{state} Residents: <A married applicant may apply for a separate account~Service charges not in excess of those permitted by law will be charged~You may request a list of card rates from the state>.|<Notice to {state} residents~NOTICE FOR {state} RESIDENTS>: the laws of {state} require that all creditors make credit equally available to all <creditworthy ~>customers.|{state} residents may <obtain a comparative listing of credit card rates by contacting the state banking department~contact the state for a list of rates~cancel within ten days>.|For residents of {state}<~ only>: <no provision of a marital property agreement adversely affects our interest~this agreement is also governed by state law~your spouse will be told of this account>.|{state}: The late fee will not exceed ${a} for residents of this state.|<If you are a resident of {state}~Residents of {state}>, <any interest above {s}% is void~we may not charge more than ${a}~you may have other rights>."
    "|" + more_words.LOCAL_TERMS,
    "If you live in {state}, the maximum rate is 18% a year.|{state} law gives married borrowers the right to a separate account.",
    final_words.LOCAL_TERMS,
)
PROVIDER_SENTENCES = bank(
    'In this Agreement, "we", "us" and "our" <mean~refer to> {p}.|<Your {c} account~Your account> is issued by {p}.|<This Agreement is~You make this agreement> between you and {p}.|{p} is the <issuer of~creditor for> your {c}.|Thank you for choosing <the {c} from ~>{p}.|{p} <and its affiliates ~>may <contact you about your account~cancel your account~refuse a transaction~record your calls>.|You <agree~promise> that {p} may <report information about your account to credit bureaus~obtain your credit report~charge your account>.|By using your {c} you <agree to these terms~promise to pay>.|{p} will not be liable if a merchant refuses your card.|{p}, Member FDIC, is an equal opportunity lender.|<Call~Contact~Ask~Visit> {p} <for details~at any branch~if you have questions>.|You give {p} a security interest in your shares.|<If~When> you use the {c}, you borrow from {p}.|The {c} <is subject to credit approval~may be used worldwide>.|Holders may use the {c} at any merchant.'
    "|" + more_words.PROVIDER_SENTENCES,
    "{p} grants you credit under these terms.|The {c} is a product of {p}.|Whenever this leaflet says bank, {p} is meant.|Holders of the {c} accept these conditions.",
    final_words.PROVIDER_SENTENCES,
)
ISSUER_SENTENCES = bank(
    "Your {c} account is issued by {p}.|{p} is the issuer of your {c}.|This Agreement covers your {c} with {p}.|Thank "
    "you for choosing the {c} from {p}.|The {c} is issued and serviced by {p}.|{p} offers the {c} under these terms."
    "|" + more_words.ISSUER_SENTENCES,
    "The {c} is a product of {p}.|{p} grants you credit on your {c}.",
    final_words.ISSUER_SENTENCES,
)
ADDRESS_SENTENCES = bank(
    "<Send~Mail> <payments~your payment~all payments~inquiries> to {p}, {a}.|Write <to ~>us at {a}.|<Mail~Send> billing disputes to {p}, {a}.|Notices must be sent to {a}.|You may contact us at {a} or by telephone at {t}.|Payments must be mailed to {a}.|<Contact~Address>: {p}, {a}|If you <think there is an error~want to reject arbitration>, write to <us at ~>{p}, {a}.|Correspondence: {a}, telephone {t}.|{p}, {a}, {t}|Questions? {t} or {a}"
    "|" + more_words.ADDRESS_SENTENCES,
    "Our postal address is {a}.|Letters reach us at {p}, {a}.",
    final_words.ADDRESS_SENTENCES,
)
BOILERPLATE = bank(
    "Keep this document for future use. It tells you about your rights and our responsibilities under federal law.|If "
    "you think there is an error on your statement, write to us within 60 days after the error appeared on your "
    "statement.|We will tell you the cost and the reasons within 30 days of receiving your letter.|You are liable for "
    "no more than $50 of unauthorized use of your card.|We use the average daily balance method, including new "
    "purchases, to calculate the balance.|Your due date is at least 25 days after the close of each billing cycle. We "
    "will not charge you any interest on purchases if you pay your entire balance by the due date.|We add {amount} to "
    "the Prime Rate published in the Wall Street Journal on the last business day of the month. On {date} the Prime "
    "Rate was {rate}.|The daily periodic rate is {rate}, which is 1/365 of the annual rate.|You may not use your card "
    "for illegal transactions or for gambling.|If you do not pay, we may close your account and require payment of the "
    "entire balance at once.|You agree to pay reasonable attorney's fees of no more than {amount} and court costs if "
    "we refer your account for collection.|We may change the terms of this Agreement with 45 days written notice.|This "
    "Agreement is governed by federal law and by the laws of our home state.|For questions about your rights write to "
    "{authority}.|To learn more about factors to consider when applying for a credit card, visit the website of the "
    "regulator.|The purchase must have been made in your home state or within 100 miles of your mailing address, and "
    "the price must have been more than $50.|You earn 1 point for each $1 of purchases. A bonus of {amount} is paid "
    "after three months.|Your credit limit is shown on your statement. The minimum credit limit is {amount}.|You may "
    "call us at {phone} if your card is lost or stolen.|Visa is a registered trademark and is used under license.|Any "
    "dispute will be resolved by binding arbitration and not in court. You may reject this by writing before {date}.|"
    "Cash advances include money orders, wire transfers and betting chips. Purchases are goods and services bought "
    "with the card.|Balance transfers may be made only from accounts at other institutions and not from our own.|"
    "Payments received after 5 p.m. are credited on the next business day.|We apply payments above the minimum to the "
    "balance with the highest APR first.|The variable rate may not exceed {rate} at any time.|Under the Military "
    "Lending Act the cost of credit may not exceed an annual percentage rate of 36%.|Insurance is sold by others and "
    "costs {amount} for each $100 of your balance.|Revised {date}. All rights reserved.|If we approve a rate change "
    "after {date}, we will send you a notice. The fee may then change." + "|" + more_words.BOILERPLATE,
    "Please store these pages with your papers. They describe what the law grants you.|A billing mistake must be "
    "reported in writing no later than 60 days after the statement.|Should your card be stolen, ring {phone} without "
    "delay; your loss is limited to $50.|Complaints may also be addressed to {authority}.|An index of {rate} was "
    "published on {date}.|Insurance against loss costs {amount} a month and is voluntary.|Disputes are settled by an "
    "arbitrator chosen by both sides.|A payment that arrives in the evening counts from the following day.|This text "
    "was last printed on {date}.|Gifts of up to {amount} may be granted to new customers.",
    final_words.BOILERPLATE,
)
HEADINGS = bank(
    "Interest Rates and Interest Charges|Fees|Your Billing Rights|How We Calculate Interest|Payments|Definitions|"
    "Default and Collection|Changing the Terms|Lost or Stolen Cards|Credit Reports|Arbitration|Governing Law|Promises "
    "to Pay|Using Your Account|Notices|Rewards|Foreign Currency|Closing Your Account|About This Agreement|Important "
    "Disclosures|Security Interest" + "|" + more_words.HEADINGS,
    "Costs at a Glance|What You Owe|Your Protection|Ending the Contract|General Conditions|Complaints|Questions",
    final_words.HEADINGS,
)
TITLES = bank(
    "Credit Card Agreement|Cardholder Agreement|CARDMEMBER AGREEMENT|Account Opening Disclosure|Consumer Credit Card "
    "Agreement and Disclosure|Pricing Information|Rates and Fees Table|Credit Card Agreement and Federal Truth in "
    "Lending Disclosure|Summary of Terms|Important Account Information" + "|" + more_words.TITLES,
    "Terms of Your Credit Card|Card Contract|Conditions for Credit Cards|Statement of Rates and Charges",
    final_words.TITLES,
)
TABLE_HEADS = bank(
    "Interest Rates and Interest Charges|Rates|Interest Rates|Annual Percentage Rates"
    "|" + more_words.TABLE_HEADS,
    "What interest we charge|Interest at a glance",
    final_words.TABLE_HEADS,
)
FEE_HEADS = bank(
    "Fees|Other Fees|Transaction and Penalty Fees|Fees and Charges" + "|" + more_words.FEE_HEADS,
    "What fees we charge|Charges",
    final_words.FEE_HEADS,
)
QUESTIONS: dict[int, Bank] = {
    INTRO: bank(
        "Is there an introductory rate?|What is my introductory APR?" + "|" + more_words.QUESTIONS["INTRO"],
        "Do new customers get a promotional rate?",
        final_words.QUESTIONS["INTRO"],
    ),
    PURCHASE: bank(
        "What is my APR for purchases?|How much interest do I pay on purchases?"
        "|" + more_words.QUESTIONS["PURCHASE"],
        "What do purchases cost me in interest?",
        final_words.QUESTIONS["PURCHASE"],
    ),
    BALANCE: bank(
        "What is the APR for balance transfers?|What rate applies to balance transfers?"
        "|" + more_words.QUESTIONS["BALANCE"],
        "And if I transfer a balance?",
        final_words.QUESTIONS["BALANCE"],
    ),
    CASH: bank(
        "What is the APR for cash advances?|What rate applies to cash advances?"
        "|" + more_words.QUESTIONS["CASH"],
        "And if I take a cash advance?",
        final_words.QUESTIONS["CASH"],
    ),
    PENALTY: bank(
        "Is there a penalty APR?|What is the default rate?" + "|" + more_words.QUESTIONS["PENALTY"],
        "Which penalty rate applies if I default?",
        final_words.QUESTIONS["PENALTY"],
    ),
    GENERAL: bank(
        "What is the Annual Percentage Rate?|What is my APR?" + "|" + more_words.QUESTIONS["GENERAL"],
        "Which rate do I pay?",
        final_words.QUESTIONS["GENERAL"],
    ),
    OTHER_RATE: bank(
        "What is the APR for overdraft advances?" + "|" + more_words.QUESTIONS["OTHER_RATE"],
        "Which rate applies to overdraft transfers?",
        final_words.QUESTIONS["OTHER_RATE"],
    ),
    ANNUAL: bank(
        "Is there an annual fee?|How much is the annual fee?" + "|" + more_words.QUESTIONS["ANNUAL"],
        "What is the annual charge for the card?",
        final_words.QUESTIONS["ANNUAL"],
    ),
    BALANCE_FEE: bank(
        "What is the balance transfer fee?|Is there a fee for balance transfers?"
        "|" + more_words.QUESTIONS["BALANCE_FEE"],
        "What does a balance transfer cost?",
        final_words.QUESTIONS["BALANCE_FEE"],
    ),
    LATE: bank(
        "What if I pay late?|How much is the late payment fee?" + "|" + more_words.QUESTIONS["LATE"],
        "What is the charge if I am late?",
        final_words.QUESTIONS["LATE"],
    ),
    RETURNED: bank(
        "What if my payment is returned?|How much is the returned payment fee?"
        "|" + more_words.QUESTIONS["RETURNED"],
        "What is charged for a returned payment?",
        final_words.QUESTIONS["RETURNED"],
    ),
    FOREIGN: bank(
        "Is there a foreign transaction fee?|What if I use my card abroad?"
        "|" + more_words.QUESTIONS["FOREIGN"],
        "What do foreign transactions cost?",
        final_words.QUESTIONS["FOREIGN"],
    ),
    OTHER_FEE: bank(
        "Are there other fees?|What is the cash advance fee?" + "|" + more_words.QUESTIONS["OTHER_FEE"],
        "Which other charges are there?",
        final_words.QUESTIONS["OTHER_FEE"],
    ),
}
