"""How agreements name their rates and fees and talk about them, in a part for training and one kept from it.

`{v}` stands for the marked value, `{d}` for a rate, a date or an amount that is no field (a decoy).
All sentences were written for this project.
"""
# ruff: noqa: E501 - lists of words

from typing import NamedTuple

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

WORDS: dict[int, FieldWords] = {
    INTRO: FieldWords(
        bank(
            "Introductory APR|Introductory Annual Percentage Rate|Introductory Rate|Intro APR|Promotional APR|"
            "Introductory APR for purchases|Introductory APR for balance transfers|Special introductory rate",
            "Initial promotional rate|Intro rate for new accounts|Opening APR offer",
        ),
        bank(
            "{v}|{v}|{v}. After that, your APR will be {d}.|{v}, then {d}|{v} from account opening. Thereafter {d}.|"
            "{v} on qualifying transactions",
            "{v} and then the standard rate applies|{v} (new accounts only)",
        ),
        bank(
            "We may offer you {v} on purchases.|You will receive a rate of {v}.|New accounts enjoy {v} before the "
            "standard rate applies.|Introductory APR: {v}. After that the rate is {d}.|Your introductory rate is {v}, "
            "and after this period it will be {d}.",
            "For a limited time your balance is charged at {v} instead of {d}.|The opening offer is {v}.",
        ),
    ),
    BALANCE: FieldWords(
        bank(
            "APR for Balance Transfers|Annual Percentage Rate (APR) for Balance Transfers|Balance Transfer APR|"
            "Balance Transfers|Balance transfers APR|Interest rate for balance transfers|Balance Transfer Rate|"
            "APR - Balance Transfers|Standard APR for Balance Transfers",
            "Annual rate on transferred balances|Rate for balance transfers|Balance transfer annual percentage rate",
        ),
        bank(
            "{v}|{v}|{v}|{v}, based on your creditworthiness. This APR will vary with the market based on the Prime "
            "Rate.|{v} when you open your account|{v} This APR is fixed.|{v} variable",
            "{v} depending on your credit history|The rate is {v} and may change monthly",
        ),
        bank(
            "The APR for balance transfers is {v}.|Balance transfers are charged interest at {v}.|The Annual Percentage "
            "Rate for balance transfers is {v}, a daily periodic rate of {d}.|We charge {v} on balance transfers.|"
            "Your rate for balances transferred from other cards is {v}.",
            "If you move a balance to us, it bears interest at {v}.|Balance transfers accrue at an annual rate of {v}.",
        ),
    ),
    CASH: FieldWords(
        bank(
            "APR for Cash Advances|Annual Percentage Rate (APR) for Cash Advances|Cash Advance APR|Cash Advances|"
            "Cash advances APR|Interest rate for cash advances|Cash Advance Rate|APR - Cash Advances|"
            "Standard APR for Cash Advances|APR for Cash Advances and Convenience Checks",
            "Annual rate on cash advances|Rate for cash advances|Cash advance annual percentage rate",
        ),
        bank(
            "{v}|{v}|{v}|{v}, based on your creditworthiness. This APR will vary with the market based on the Prime "
            "Rate.|{v} This APR is fixed.|{v} variable|{v}. Interest begins on the transaction date.",
            "{v} depending on your credit history|The rate is {v} and may change monthly",
        ),
        bank(
            "The APR for cash advances is {v}.|Cash advances are charged interest at {v}.|The Annual Percentage "
            "Rate for cash advances is {v}, a daily periodic rate of {d}.|We charge {v} on cash advances.|"
            "Interest on cash advances is {v} from the day you take them.",
            "If you withdraw cash, it bears interest at {v}.|Cash advances accrue at an annual rate of {v}.",
        ),
    ),
    PURCHASE: FieldWords(
        bank(
            "APR for Purchases|Annual Percentage Rate (APR) for Purchases|Purchase APR|Purchases|Purchases APR|"
            "Interest rate for purchases|Purchase Rate|APR - Purchases|Standard APR for Purchases|Standard Purchase "
            "APR",
            "Annual rate on purchases|Rate for purchases|Purchase annual percentage rate",
        ),
        bank(
            "{v}|{v}|{v}|{v}, based on your creditworthiness. This APR will vary with the market based on the Prime "
            "Rate.|{v} when you open your account|{v} This APR is fixed.|{v} variable",
            "{v} depending on your credit history|The rate is {v} and may change monthly",
        ),
        bank(
            "The APR for purchases is {v}.|Purchases are charged interest at {v}.|The Annual Percentage Rate for "
            "purchases is {v}, a daily periodic rate of {d}.|We charge {v} on purchases.|Your purchase APR is {v} and "
            "applies to all new purchases.",
            "If you buy goods with your card, purchases bear interest at {v}.|Purchases accrue at an annual rate of "
            "{v}.",
        ),
    ),
    PENALTY: FieldWords(
        bank(
            "Penalty APR and When it Applies|Penalty APR|Penalty Rate|Default APR|Default Rate|Penalty Annual "
            "Percentage Rate",
            "Penalty rate and its conditions|APR after default",
        ),
        bank(
            "{v}|{v} This APR may be applied to your account if you: (1) make a late payment; (2) go over your credit "
            "limit; or (3) make a payment that is returned. How long will it apply? Until you make six consecutive "
            "minimum payments when due.|{v}. Applies if your payment is more than 60 days late.|Up to {v} if you "
            "default under this agreement|{v} may be applied if you are 60 days late",
            "{v}, once two payments in a row are missed|{v} where the account is in default",
        ),
        bank(
            "If your payment is more than 60 days late, the penalty APR of {v} may apply.|The default rate is {v}.|"
            "We may increase your rate to the penalty APR, which is {v}.|A penalty rate of {v} applies until you make "
            "six payments on time.",
            "After default, the balance bears a penalty rate of {v}.|Missing two payments raises your APR to {v}.",
        ),
    ),
    GENERAL: FieldWords(
        bank(
            "Annual Percentage Rate (APR)|ANNUAL PERCENTAGE RATE|APR|Interest Rate|Standard APR|Annual Percentage Rate "
            "for all transactions|APR on your account",
            "Annual interest rate|Account APR",
        ),
        bank("{v}|{v}|{v} variable|{v} This APR is fixed.", "{v} on every balance|The rate is {v}"),
        bank(
            "The Annual Percentage Rate on your account is {v}.|Interest accrues at {v} a year on the unpaid "
            "balance.|Your APR is {v}, which is a monthly periodic rate of {d}.|The APR that applies to your account "
            "is {v}.",
            "All balances bear interest at {v} per annum.|The account's annual rate is {v}.",
        ),
    ),
    OTHER_RATE: FieldWords(
        bank(
            "APR for Overdraft Advances|Overdraft Protection APR|APR for Promotional Checks|Pay Over Time APR",
            "APR for instalment plans|Overdraft transfer rate",
        ),
        bank("{v}|{v} variable", "{v} for such advances"),
        bank(
            "The APR for overdraft advances is {v}.|Promotional checks are charged interest at {v}.",
            "Overdraft transfers bear interest at {v}.",
        ),
    ),
    ANNUAL: FieldWords(
        bank(
            "Annual Fee|Annual Membership Fee|Annual fee|Membership Fee|Yearly fee|Annual Card Fee|Annual Fees",
            "Annual charge|Fee per year",
        ),
        bank(
            "{v}|{v}|{v}|{v} per year|{v} annually|{v} (waived the first year)",
            "{v} each year|{v} every 12 months",
        ),
        bank(
            "The annual fee is {v}.|We charge an annual membership fee of {v} each year.|Annual Fee: {v}.|"
            "A yearly fee of {v} is billed to your account.",
            "Every year you pay an annual fee of {v}.|Membership costs an annual fee of {v}.",
        ),
    ),
    BALANCE_FEE: FieldWords(
        bank(
            "Balance Transfer|Balance Transfer Fee|Balance transfer fee|Fee for Balance Transfers|Balance Transfers "
            "Fee|Transaction Fee: Balance Transfer",
            "Charge for transferring a balance|Fee per balance transfer",
        ),
        bank("{v}|{v}|{v}.", "{v} at the time of transfer|Fee: {v}"),
        bank(
            "The fee for each balance transfer is {v}.|We charge a balance transfer fee of {v}.|Balance Transfer Fee: "
            "{v}.|For each balance transfer we add a fee of {v}.",
            "Transferring a balance costs {v}.|A balance transfer carries a fee of {v}.",
        ),
    ),
    LATE: FieldWords(
        bank(
            "Late Payment|Late Payment Fee|Late payment fee|Late Fee|Late Charge|Late Payments|Penalty Fees: Late "
            "Payment",
            "Charge for late payment|Fee if you pay late",
        ),
        bank(
            "{v}|{v}|{v} if your payment is more than 10 days late|{v} when a payment is late",
            "{v} for every late payment|{v} after the grace period",
        ),
        bank(
            "If we do not receive your payment by the due date, a late payment fee of {v} applies.|The late fee is "
            "{v}.|A late charge of {v} is added if your payment is more than 10 days late.|Late Payment Fee: {v}.",
            "Paying late costs a late fee of {v}.|We add {v} whenever a payment comes in late.",
        ),
    ),
    RETURNED: FieldWords(
        bank(
            "Returned Payment|Returned Payment Fee|Returned payment fee|Returned Check Fee|Returned Item Fee|NSF "
            "Returned Payment|Returned Payments",
            "Charge for returned payments|Fee if a payment is returned",
        ),
        bank(
            "{v}|{v}|{v} for each returned payment|{v} if your payment is returned unpaid",
            "{v} for every item that is returned|{v} per returned item",
        ),
        bank(
            "If your payment is returned for any reason, we charge a returned payment fee of {v}.|The returned check "
            "fee is {v}.|A fee of {v} is added for each payment returned unpaid.|Returned Payment Fee: {v}.",
            "A returned payment costs a fee of {v}.|We add {v} whenever a payment is returned.",
        ),
    ),
    FOREIGN: FieldWords(
        bank(
            "Foreign Transaction|Foreign Transaction Fee|Foreign transaction fee|International Transaction Fee|"
            "Foreign Currency Transaction|Foreign Transactions|Foreign Exchange Fee",
            "Charge for foreign transactions|Fee for transactions abroad",
        ),
        bank("{v}|{v}|{v}.", "Fee: {v}|{v} added to the transaction"),
        bank(
            "For transactions made in a foreign country we charge {v}.|The foreign transaction fee is {v}.|A foreign "
            "transaction fee of {v} applies whether or not there is a currency conversion.|International Transaction "
            "Fee: {v}.",
            "Transactions abroad carry a foreign fee of {v}.|Using the card in a foreign country costs {v}.",
        ),
    ),
    OTHER_FEE: FieldWords(
        bank(
            "Cash Advance Fee|Cash Advance|Minimum Interest Charge|Over-the-Credit-Limit|Over Limit Fee|Minimum "
            "Interest|Card Replacement Fee|Stop Payment Fee|Expedited Payment|Research Fee|Statement Copy Fee",
            "Fee for a cash advance|Minimum charge for interest|Replacement card charge",
        ),
        bank("{v}|{v}|{v} each|{v}.", "Fee: {v}|{v} per request"),
        bank(
            "If you are charged interest, the charge will be {v}.|The fee for each cash advance is {v}.|We charge {v} "
            "to replace a lost card.|An over limit fee of {v} may apply.|Copies of statements cost {v} each.",
            "A cash advance carries a fee of {v}.|A replacement card costs {v}.",
        ),
    ),
}

RATE_FIELDS = (INTRO, PURCHASE, BALANCE, CASH, PENALTY, OTHER_RATE)
FEE_FIELDS = (ANNUAL, BALANCE_FEE, FOREIGN, LATE, RETURNED)

DATE_SENTENCES = bank(
    "This Agreement is effective {v}.|Effective Date: {v}|The information in this table is accurate as of {v}.|These "
    "terms are effective as of {v} and replace all earlier terms.|Effective {v}|The terms of this agreement apply "
    "from {v}.|Agreement effective date {v}",
    "This agreement takes effect on {v}.|In force since {v}|Terms valid from {v}",
)
MIN_PAYMENTS = bank(
    "the greater of $25 or 1% of your new balance plus interest and late fees|2% of the New Balance or $20, whichever "
    "is greater|the total of 1% of the new balance, the interest charged and any past due amount, but at least $35|3% "
    "of your outstanding balance or $15, whichever is more|the larger of $30 or 2.5% of the total new balance, plus "
    "any amount past due",
    "5% of what you owe, never less than $10|the higher of $27 and 1% of the balance plus billed interest",
)
MIN_PAYMENT_SENTENCES = bank(
    "Your minimum payment will be {v}.|The Minimum Payment Due each month equals {v}.|You must pay at least {v}.|We "
    "calculate your minimum payment as {v}.|Minimum payment: {v}.",
    "At least this is due every month: {v}.|The smallest monthly payment is {v}.",
)
LOCAL_TERMS = bank(
    "{state} Residents: A married applicant may apply for a separate account.|Notice to {state} residents: the laws of "
    "{state} require that all creditors make credit equally available to all creditworthy customers.|{state} residents "
    "may obtain a comparative listing of credit card rates by contacting the state banking department.|For residents "
    "of {state} only: no provision of a marital property agreement adversely affects our interest.|{state}: The late "
    "fee will not exceed $15 for residents of this state.",
    "If you live in {state}, the maximum rate is 18% a year.|{state} law gives married borrowers the right to a "
    "separate account.",
)
PROVIDER_SENTENCES = bank(
    'In this Agreement, "we", "us" and "our" mean {p}.|Your {c} account is issued by {p}.|This Agreement is '
    "between you and {p}.|{p} is the issuer of your {c}.|Thank you for choosing the {c} from {p}.|{p} and its "
    "affiliates may contact you about your account.|You agree that {p} may report information about your account to "
    "credit bureaus.|By using your {c} you agree to these terms.|{p} will not be liable if a merchant refuses your "
    "card.|{p}, Member FDIC, is an equal opportunity lender.",
    "{p} grants you credit under these terms.|The {c} is a product of {p}.|Whenever this leaflet says bank, {p} is "
    "meant.|Holders of the {c} accept these conditions.",
)
ISSUER_SENTENCES = bank(
    "Your {c} account is issued by {p}.|{p} is the issuer of your {c}.|This Agreement covers your {c} with {p}.|Thank "
    "you for choosing the {c} from {p}.|The {c} is issued and serviced by {p}.|{p} offers the {c} under these terms.",
    "The {c} is a product of {p}.|{p} grants you credit on your {c}.",
)
ADDRESS_SENTENCES = bank(
    "Send payments to {p}, {a}.|Write to us at {a}.|Mail billing disputes to {p}, {a}.|Notices must be sent to {a}.|You "
    "may contact us at {a} or by telephone at {t}.|Payments must be mailed to {a}.",
    "Our postal address is {a}.|Letters reach us at {p}, {a}.",
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
    "after {date}, we will send you a notice. The fee may then change.",
    "Please store these pages with your papers. They describe what the law grants you.|A billing mistake must be "
    "reported in writing no later than 60 days after the statement.|Should your card be stolen, ring {phone} without "
    "delay; your loss is limited to $50.|Complaints may also be addressed to {authority}.|An index of {rate} was "
    "published on {date}.|Insurance against loss costs {amount} a month and is voluntary.|Disputes are settled by an "
    "arbitrator chosen by both sides.|A payment that arrives in the evening counts from the following day.|This text "
    "was last printed on {date}.|Gifts of up to {amount} may be granted to new customers.",
)
HEADINGS = bank(
    "Interest Rates and Interest Charges|Fees|Your Billing Rights|How We Calculate Interest|Payments|Definitions|"
    "Default and Collection|Changing the Terms|Lost or Stolen Cards|Credit Reports|Arbitration|Governing Law|Promises "
    "to Pay|Using Your Account|Notices|Rewards|Foreign Currency|Closing Your Account|About This Agreement|Important "
    "Disclosures|Security Interest",
    "Costs at a Glance|What You Owe|Your Protection|Ending the Contract|General Conditions|Complaints|Questions",
)
TITLES = bank(
    "Credit Card Agreement|Cardholder Agreement|CARDMEMBER AGREEMENT|Account Opening Disclosure|Consumer Credit Card "
    "Agreement and Disclosure|Pricing Information|Rates and Fees Table|Credit Card Agreement and Federal Truth in "
    "Lending Disclosure|Summary of Terms|Important Account Information",
    "Terms of Your Credit Card|Card Contract|Conditions for Credit Cards|Statement of Rates and Charges",
)
TABLE_HEADS = bank(
    "Interest Rates and Interest Charges|Rates|Interest Rates|Annual Percentage Rates",
    "What interest we charge|Interest at a glance",
)
FEE_HEADS = bank(
    "Fees|Other Fees|Transaction and Penalty Fees|Fees and Charges", "What fees we charge|Charges"
)
QUESTIONS: dict[int, Bank] = {
    INTRO: bank(
        "Is there an introductory rate?|What is my introductory APR?",
        "Do new customers get a promotional rate?",
    ),
    PURCHASE: bank(
        "What is my APR for purchases?|How much interest do I pay on purchases?",
        "What do purchases cost me in interest?",
    ),
    BALANCE: bank(
        "What is the APR for balance transfers?|What rate applies to balance transfers?",
        "And if I transfer a balance?",
    ),
    CASH: bank(
        "What is the APR for cash advances?|What rate applies to cash advances?",
        "And if I take a cash advance?",
    ),
    PENALTY: bank(
        "Is there a penalty APR?|What is the default rate?", "Which penalty rate applies if I default?"
    ),
    GENERAL: bank("What is the Annual Percentage Rate?|What is my APR?", "Which rate do I pay?"),
    OTHER_RATE: bank("What is the APR for overdraft advances?", "Which rate applies to overdraft transfers?"),
    ANNUAL: bank(
        "Is there an annual fee?|How much is the annual fee?", "What is the annual charge for the card?"
    ),
    BALANCE_FEE: bank(
        "What is the balance transfer fee?|Is there a fee for balance transfers?",
        "What does a balance transfer cost?",
    ),
    LATE: bank("What if I pay late?|How much is the late payment fee?", "What is the charge if I am late?"),
    RETURNED: bank(
        "What if my payment is returned?|How much is the returned payment fee?",
        "What is charged for a returned payment?",
    ),
    FOREIGN: bank(
        "Is there a foreign transaction fee?|What if I use my card abroad?",
        "What do foreign transactions cost?",
    ),
    OTHER_FEE: bank("Are there other fees?|What is the cash advance fee?", "Which other charges are there?"),
}
