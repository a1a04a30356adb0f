"""The test part of the banks: names, wordings and values used for the final figure of a release and nothing else.

Written before the training part was widened, in the language of American card agreements, and not changed
since. Nothing may be trained, chosen or adjusted on it; `held_out` is for that. Alternatives are parted by
bars; `{v}` is the marked value, `{d}` a rate, date or amount that is no field.
"""
# ruff: noqa: E501 - lists of words

FIRST_HALF = "Tamar|Bristle|Cypress|Granite|Heron|Linden|Meadow|Noble|Pioneer|Prairie|Sparrow|Teal|Union|Valley|Wren|Harbor|Beacon|Cobalt|Dover|Elk"
SECOND_HALF = "line|mark|crest|way|wold|creek|spring|castle|mount|forge|trail|pass"
ENDING = "Bank National Association|Federal Savings Bank|Bank (South Dakota), N.A.|Postal Credit Union|Schools Federal Credit Union|Savings and Loan Association|Thrift|Commercial Bank|Private Bank & Trust Co.|Bank of Delaware|Consumer Bank|Firefighters Credit Union"
CARD_KIND = "Cashflow|Quest|Venture Miles|Ultimate Cash|Double Points|Horizon|Rise|College|Legacy|Cobalt Rewards|Everyday Cash|Traveler|Reserve|Simplicity|Complete Rewards|Opportunity|Ascent|Partner"
CARD_FORM = "{} Consumer Credit Card|the {} Card|{} World Elite Mastercard|Visa Platinum {}|{} Visa Rewards Card|{} Card"
STREET = "Sycamore Drive|Old Post Road|Exchange Place|Peachtree Circle|Federal Way|Riverside Terrace|Lincoln Turnpike|Ninth Street SW|Bankers Row|College Boulevard"
TOWN = "Sioux Bend|Wilmont|Charlesboro|Saint Amos|Layton Ridge|Columbia Flats|Omena|El Prado|Tempest|Roanvale|Elgin Park|Birchmont"
STATE_NAME = "Wisconsin and Ohio|New Hampshire|Kentucky|North Carolina|Georgia|Puerto Rico"
DEPARTMENT = "P.O. Box {}|PO Box {}|Bankcard Center, P.O. Box {}|Attention: Payment Processing, P.O. Box {}|Lending Department, Post Office Box {}|Cardholder Correspondence, PO Box {}"

INTRO_FORMS = "{p}%|{p}% Intro APR for your first {n} months|{p}% introductory APR on purchases for {n} months from date of account opening|{p}% for the first {n} billing statements|{p}% for {n} monthly billing cycles"
RATE_FORMS = "{p}%|{p}%|{p}%|{p}%|{p}%|{p}% - {q}%|between {p}% and {q}%|either {p}% or {q}%|from {p}% to {q}%|Prime Rate plus {m} percentage points|{p}%, {q}%, or {r}%|Wall Street Journal Prime Rate plus {m}%|{p}% APR"
ANNUAL_FORMS = "None|None|${a}|${a}|${a}|$0|${a} per year|${a} annually|no annual fee|${a}.00 per account"
TRANSFER_FORMS = "{s}%|None|${a}|{s}% of the amount of each balance transfer|Either ${a} or {s}% of the amount of each balance you transfer, whichever is greater|the greater of {s}% or ${a}|{s}% of the balance transferred (minimum ${a})|{s}% (${a} minimum)"
PENALTY_FEE_FORMS = "${b}|${b}|${b}|up to ${b}|Up to ${b}|None|${b}.00|no more than ${b}|the lesser of ${b} or the minimum payment due|${a} the first time and up to ${b} after that"
FOREIGN_FORMS = "{s}%|{s}%|None|{s}% of each purchase abroad|{s}% of the transaction amount, in U.S. dollars|{s}% of the amount of each foreign purchase|up to {s}%|{s}% of the U.S. dollar value of the transaction"
OTHER_FEE_FORMS = "${a}|${a}|${b}|{s}%|None|${a}.00|{s}% of each advance (minimum ${a})|Either ${a} or {s}% of the amount of each cash withdrawal, whichever is greater|up to ${b}|$0.50|$1.50|$2.00"

_RATE_CELLS = "{v}|{v}|{v}|{v}|{v}.|{v} when you open your account, based on your creditworthiness and other factors.|{v} After that, your APR will vary with the market.|{v} This rate will not change while your account is open.|{v} (this rate is variable)|{v}, based on your credit score at the time you apply. This APR will vary with the market based on the U.S. Prime Rate.|{v} The corresponding daily periodic rate is {d}."

LABELS = {
    "BALANCE": "APR for Transferred Balances|Balance Transfer Annual Percentage Rate (variable)|Annual Percentage Rate for Balance Transfers from other card issuers|Balance Transfers and Convenience Checks APR|Rate for balances you transfer|Transferred Balances",
    "CASH": "Annual Percentage Rate for Cash|Cash Advance Annual Percentage Rate (variable)|APR for Cash Withdrawals and ATM Advances|ATM and Teller Cash Advance APR|Rate for cash advances and cash-like transactions|Cash and Quasi-Cash Transactions",
    "PURCHASE": "Annual Percentage Rate (APR) for Purchases and Recurring Charges|Purchase Annual Percentage Rate (variable)|Retail Purchases APR|Rate for the purchases you make|Purchases (non-promotional) APR|APR for everyday purchases",
    "INTRO": "Introductory Purchase and Balance Transfer APR|Limited-time Introductory APR|Promotional Annual Percentage Rate for first-year balances|Teaser Rate|New Account Special APR|Introductory period rate",
    "PENALTY": "Penalty APR (if you pay late)|When the Penalty Rate Applies|Delinquency Rate|Penalty Annual Percentage Rate (variable)|Loss of Promotional Rate and Penalty APR|Default Annual Percentage Rate for late payers",
    "GENERAL": "Annual Percentage Rate for Purchases, Cash Advances and Balance Transfers|APR for all transactions on this account|One rate for every balance|APR on your Account balance|Annual Percentage Rate (all balances)",
    "OTHER_RATE": "APR for Overdraft Protection Transfers|Overdraft Protection Advances APR|Rate for overdraft line advances|APR for Installment Plan balances",
    "ANNUAL": "Annual Membership Fee per Account|Annual Account Fee|Yearly Membership Charge|Membership Fee (each year)|Annual Fee (billed on your first statement)|Yearly Account Fee",
    "BALANCE_FEE": "Balance Transfer Transaction Fee|Transfer Fee for balances|Fee to transfer a balance|Balance Transfers (per transfer)|Transaction fee: transferred balances",
    "LATE": "Late Payment Charge (penalty)|Delinquent Payment Fee|Past Due Account Fee|Late Fee (after 10 days)|Overdue Payment|Penalty Fees - Late",
    "RETURNED": "Returned Payment Charge (penalty)|Bounced Payment Fee|Insufficient Funds (NSF) Fee|Payment Returned Unpaid|Returned Check or ACH Fee|Penalty Fees - Returned",
    "FOREIGN": "Foreign Purchase Fee|International Service Assessment|Foreign Currency or Cross-Border Fee|Purchases made outside the U.S.|Non-U.S. Transaction Charge|Foreign Use Fee",
    "OTHER_FEE": "Cash Advance Transaction Fee|Minimum Charge|Duplicate Statement Fee|Expedited Card Delivery|Overlimit Fee|Pay-by-Phone Fee|Minimum Finance Charge|Emergency Card Replacement Fee",
}
CELLS = {
    "BALANCE": _RATE_CELLS,
    "CASH": _RATE_CELLS,
    "PURCHASE": _RATE_CELLS,
    "INTRO": "{v}|{v}.|{v}. After that, your APR will be {d}. This APR will vary with the market based on the Prime Rate.|{v}, after which the rate goes to {d}|{v} on transfers completed within 60 days of account opening.|{v} After the promotional period ends, {d} applies.",
    "PENALTY": "{v}|{v}|{v} This APR may be applied if you allow your Account to become 60 days past due.|{v} - applies if we do not receive any minimum payment within 60 days of the due date. If your APRs are increased, the Penalty APR will apply until you make six consecutive payments on time.|{v} We may keep this rate in effect indefinitely.",
    "GENERAL": _RATE_CELLS,
    "OTHER_RATE": _RATE_CELLS,
    "ANNUAL": "{v}|{v}|{v}|{v} (waived for your first year)|{v}, billed each anniversary month|{v}. This fee is charged whether or not you use the card.",
    "BALANCE_FEE": "{v}|{v}|{v}|{v} This fee is waived on transfers posted in the first 90 days.|{v}.|{v}, added to the transferred balance",
    "LATE": "{v}|{v}|{v}|{v} if your payment is 10 or more days late|{v}.|{v} if the minimum is not received by the due date",
    "RETURNED": "{v}|{v}|{v}|{v} if your check or electronic payment is not paid by your bank|{v}.|{v} for any check returned",
    "FOREIGN": "{v}|{v}|{v}|{v} on purchases in a foreign currency|{v}.|{v}, whether made in person or online",
    "OTHER_FEE": "{v}|{v}|{v}|{v} for each copy you ask for|{v}.|{v} for each occurrence",
}
SENTENCES = {
    "BALANCE": "The APR that applies to balances you transfer from other lenders is {v}.|Transferred balances: we will charge you {v} from the date each transfer posts to your Account.|Balance transfer balances will accrue interest at an APR of {v} until paid in full.|For Balance Transfers your Annual Percentage Rate is {v} (a Daily Periodic Rate of {d}).|We calculate finance charges on balance transfer balances using an ANNUAL PERCENTAGE RATE of {v}.",
    "CASH": "Cash you obtain at an ATM or teller window bears an APR of {v} from the day you take it.|Interest on cash advances begins immediately at {v}; there is no grace period.|Your Annual Percentage Rate for Cash Advances is {v}, corresponding to a Daily Periodic Rate of {d}.|We calculate finance charges on cash advance balances using an ANNUAL PERCENTAGE RATE of {v}.|If you use your PIN to get cash, that balance is subject to an APR of {v}.",
    "PURCHASE": "For purchases your Annual Percentage Rate is {v} (a Daily Periodic Rate of {d}).|Purchase balances not paid by the due date accrue interest at {v}.|The rate we use to figure interest on what you buy is {v}.|We calculate finance charges on purchase balances using an ANNUAL PERCENTAGE RATE of {v}.|Goods and services charged to your Account are subject to an APR of {v} unless you pay your New Balance in full.",
    "INTRO": "If you are a new cardholder, your rate will be {v}, after which it rises to {d}.|From the date your Account is opened we will apply a promotional APR of {v}.|As a welcome, purchases carry {v}; when the introductory period ends the APR will be {d}.|You qualify for an introductory annual percentage rate of {v}.",
    "PENALTY": "If any required payment is 60 days past due, we may raise your APRs to {v}.|The Penalty APR of {v} will take the place of your other rates when you fail to pay on time.|Should you default, all balances may be repriced to {v} after 45 days' notice.|Failure to make the minimum payment may result in a Penalty APR of {v}.",
    "GENERAL": "The same APR, {v}, is used for every balance on your Account.|Your Account has a single Annual Percentage Rate of {v} (a Daily Periodic Rate of {d}).|All advances of any kind bear interest at the annual rate of {v}.|The ANNUAL PERCENTAGE RATE that we use for your Account is {v}.",
    "OTHER_RATE": "Overdraft protection transfers to your checking account bear an APR of {v}.|Advances that cover an overdraft accrue interest at {v}.|Balances under an installment plan are charged {v}.",
    "ANNUAL": "You will be billed a membership fee of {v} every twelve months.|The yearly cost of keeping this Account open is {v}.|Annual fee for the primary cardholder is {v}.|We bill an annual membership fee of {v} on the first statement and each year after it.|There is an annual charge of {v}, which is not refundable.",
    "BALANCE_FEE": "When you transfer a balance we add a transaction fee of {v}.|A one-time fee of {v} is assessed for each balance you transfer to this Account.|The transaction fee on a transferred balance will be {v}.|Balance transfers incur a fee of {v}.",
    "LATE": "If we do not receive your minimum payment by its due date, you may be charged a late fee of {v}.|A late charge of {v} will be assessed on any payment more than ten days past due.|Late payments are subject to a fee of {v}.|The late charge on your Account is {v}.|You will owe {v} as a late fee if your payment is not here on time.",
    "RETURNED": "If your bank refuses to honor your payment, we may impose a returned payment fee of {v}.|Checks returned for insufficient funds are subject to a charge of {v}.|When a payment is sent back to us unpaid you will be charged {v}.|The returned payment charge on your Account is {v}.",
    "FOREIGN": "Purchases made in a foreign currency are subject to a fee of {v}.|We assess a foreign transaction charge of {v} on transactions with merchants outside the United States.|A cross-border assessment of {v} is added to transactions that settle outside this country.|The international transaction charge on your Account is {v}.",
    "OTHER_FEE": "If interest is due, you will be charged no less than the minimum interest charge of {v}.|When you obtain cash we add a cash advance transaction fee of {v}.|For each duplicate statement we will bill you {v}.|Overnight delivery of a new card is available for {v}.|If you pay by telephone with a representative the fee is {v}.",
}
DATE_SENTENCES = "The information about the costs of the card described in this table is accurate as of {v}. It may have changed after that date.|This Agreement is dated {v} and replaces any prior version.|Rates, fees and terms effective for accounts opened on or after {v}|Version in effect beginning {v}|The effective date of this agreement is {v}."
MIN_PAYMENTS = "the greater of $35 or the sum of 1% of your New Balance plus interest and fees|{s}% of your outstanding principal balance or ${a}, whichever is higher, plus all past due amounts|3% of your total new balance rounded up to the next whole dollar, subject to a minimum of ${a}|${a} or the full balance if it is lower"
MIN_PAYMENT_SENTENCES = "The minimum amount due on each statement will be {v}.|To keep your Account in good standing you must make a payment of {v}.|We determine the Minimum Payment by taking {v}."
LOCAL_TERMS = "California Residents: Applicants, if married, may apply for a separate account in their own name.|Notice to Married {state} Residents: No provision of any agreement will harm a creditor unless it had prior notice.|Residents of {state} and their spouses may ask us which credit reporting agency we used.|{state} RESIDENTS: You may write to the state for a comparison of rates, fees and grace periods."
PROVIDER_SENTENCES = 'The words "we," "us," and "our" mean {p}, its successors and assigns.|Credit is extended by {p} subject to this Agreement.|{p} issues the {c} and owns your Account.|Ask any {p} branch about benefits that come with the {c}.|You may use your {c} wherever it is honored.|{p} may assign your Account to another lender at any time.'
ISSUER_SENTENCES = "These are the terms on which {p} issues the {c}.|{p} has opened a {c} Account in your name.|This document and your application form the contract with {p} for your {c}."
ADDRESS_SENTENCES = "Mail your payment with the coupon to: {p}, {a}|If you think there is an error on your statement, write to us at: {a}|Credit disputes should be addressed to {p} at {a}.|You can reach us by mail at {a} or by phone at {t}.|Send bankruptcy notices to {a}."
BOILERPLATE = "We will begin charging interest on cash advances and balance transfers on the transaction date.|Your liability for unauthorized use of your card will not exceed $50, and it is zero once you notify us at {phone}.|The Prime Rate on {date} was {rate}; it is the highest rate published in The Wall Street Journal that day.|To learn more about factors to consider when using a card, visit the website at {authority}.|If you are a covered borrower, the Military Annual Percentage Rate may not exceed 36 percent.|We use a method called average daily balance (including new purchases).|Your statement shows the balance subject to each rate and the interest charged on it.|We may report late or missed payments to credit bureaus; send disputes to {authority}.|Purchases of {amount} or more may earn double rewards until {date}.|Your initial credit limit will be at least {amount}.|For lost cards call {phone} at once.|A payment of less than the minimum may lead us to close the account.|Claims under {amount} may be heard in small claims court.|If you ask us in writing by {date}, arbitration will not apply.|Rewards points expire after 36 months and have no cash value.|Our maximum rate is {rate} or the highest allowed by law.|Gift cards, tolls and casino chips count as cash-like.|Collection costs of up to {amount} may be added where the law allows it.|Either party may end this Agreement with thirty days' notice.|Your first year's interest might come to {amount}."
HEADINGS = "Interest and Finance Charges|Making Payments|Your Responsibilities|If You Default|Grace Period|Authorized Users|Unauthorized Use|Communications|Assignment|Balance Computation Method|Transactions in Other Currencies"
TITLES = "Visa Credit Card Agreement|Truth-in-Lending Disclosure Statement|Credit Card Pricing Addendum|Cardmember Terms and Conditions|Solicitation Disclosure"
TABLE_HEADS = "Annual Percentage Rates and Interest|INTEREST RATES & INTEREST CHARGES|Your Rates"
FEE_HEADS = "FEES AND OTHER COSTS|Account Fees|Your Fees"
QUESTIONS = {
    "INTRO": "How long does the introductory rate last?|Is there a special rate to start?",
    "PURCHASE": "How are purchases priced?|What rate will I pay when I buy something?",
    "BALANCE": "How are balance transfers priced?|What rate will I pay on transferred debt?",
    "CASH": "How are cash advances priced?|What rate will I pay on cash from an ATM?",
    "PENALTY": "Can my rate go up if I miss payments?|When does a penalty APR apply?",
    "GENERAL": "What interest rate does this account carry?|How much interest will I pay?",
    "OTHER_RATE": "How are overdraft transfers priced?",
    "ANNUAL": "Does this card have a yearly membership fee?|What does membership cost?",
    "BALANCE_FEE": "Is there a charge to move my balance?|Will I pay to transfer debt?",
    "LATE": "Will I be charged for being late?|What happens if I miss the due date?",
    "RETURNED": "What if my check bounces?|What if my bank rejects my payment?",
    "FOREIGN": "Can I use the card overseas without a charge?|What about purchases in other currencies?",
    "OTHER_FEE": "Is anything else charged?|What about getting cash?",
}
