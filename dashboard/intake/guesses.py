"""What names and values of another system's columns probably mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

#: Names that other systems give to a column, most telling first; words in small letters.
_COMMON = {
    "patient_id": "patient id, patient, mrn, medical record number, usubjid, subject id, subjid, subject, person id, "
    "client id, patient number, patient no, member id, chart number, case id, caseid",
    "booking_id": "appointment id, booking id, visit id, encounter id, appt id, encounter, appointment number, "
    "appt no, visit number, appointment, visit",
    "site": "site, clinic, clinic name, site id, siteid, location, facility, branch, center, centre, department, "
    "organization, hospital, office",
}
SYNONYMS: dict[str, dict[str, str]] = {
    "bookings": {
        **_COMMON,
        "booking_id": _COMMON["booking_id"] + ", id, record id, primaryid, case id, account number, hadm id, usubjid",
        "service": "service, appointment type, visit type, treatment, procedure, service type, product, exposure, "
        "description, encounterclass, type",
        "starts_at": "starts at, start at, start, appointment day, appointment date, appointment time, "
        "scheduled start, visit date, start time, start date, start datetime, date of visit, encounter date, "
        "rfstdtc, svstdtc, visit day, date, event date",
        "status": "status, no show, appointment status, visit status, show, attended, "
        "attendance, disposition, outcome",
        "booked_at": "booked at, scheduled day, booking date, created at, created, date booked, scheduled on, "
        "booked, date scheduled, date created, created on, booked on, appointment made",
        "ends_at": "ends at, end at, end, stop, end time, end date, end datetime, finish, svendtc, rfendtc",
        "cancelled_at": "cancelled at, cancellation date, cancelled on, date cancelled, appointment cancelled",
        "birth_date": "birth date, birthdate, dob, date of birth, brthdtc, birthday",
        "age": "age, age at visit, age years",
        "sex": "sex, gender",
        "indication": "indication, diagnosis, diagnosis code, icd10, icd 10, reasoncode, reason code, condition",
        "provider": "provider, provider id, doctor, physician, clinician, practitioner, staff member, staff",
        "channel": "channel, booking source, referral source",
        "chair_minutes": "chair minutes, duration, minutes, duration minutes, duration min, length",
        "price": "price, fee, charge, cost, total claim cost, billed amount, base encounter cost",
        "side_effects_assessed": "side effects assessed, form filled, side effect form",
        "dose_mg": "dose mg, dose, exdose",
    },
    "side_effects": {
        "event_id": "event id, ae id, adverse event id, report id, primaryid, aeseq, id",
        "booking_id": _COMMON["booking_id"] + ", usubjid, subject id, primaryid",
        "effect": "effect, side effect, aedecod, aeterm, reaction, adverse event, term, preferred term, "
        "pt, symptom, event",
        "severity": "severity, aesev, grade, aetoxgr, ctcae grade, intensity",
        "serious": "serious, aeser, is serious, seriousness",
        "related": "related, aerel, causality, relationship",
        "onset_at": "onset at, onset, aestdtc, onset date, start, start date, event date, date",
        "resolved_at": "resolved at, resolved, aeendtc, end date, stop, end",
        "outcome": "outcome, aeout",
        "action": "action, action taken, aeacn",
    },
    "payments": {
        **_COMMON,
        "payment_id": "payment id, transaction id, receipt number, receipt no, invoice id, invoice number, id",
        "paid_at": "paid at, payment date, paid on, transaction date, posted date, date",
        "kind": "kind, transaction type, payment type, type",
        "amount": "amount, payment amount, amount paid, paid amount, paid, payment, total",
        "method": "method, payment method, tender, paid by",
    },
    "scores": {
        "patient_id": _COMMON["patient_id"],
        "score_id": "score id, assessment id, response id, survey id, id",
        "instrument": "instrument, questionnaire, scale, survey, measure, qscat, test",
        "taken_at": "taken at, completed at, assessment date, completed on, qsdtc, date",
        "score": "score, total score, qsstresn, result, total, value",
    },
}
#: What else tells one patient from another, most telling first: names of columns that go together.
PEOPLE: tuple[tuple[str, ...], ...] = (
    ("email",), ("e mail",), ("email address",), ("patient email",), ("client email",),
    ("first name", "last name", "date of birth"), ("first name", "last name", "phone"), ("first name", "last name"),
    ("patient name",), ("client name",), ("client",), ("customer",), ("full name",), ("name",), ("phone",),
)  # fmt: skip
#: Names of columns that hold the time to a day.
TIMES = ("time", "start time", "appointment time", "visit time", "start", "from", "starts", "begin", "hour")
#: What names of columns shorten.
_SHORT = {
    "appt": "appointment", "appts": "appointment", "apt": "appointment", "pat": "patient", "enc": "encounter",
    "csn": "encounter", "dt": "date", "dttm": "time", "dtm": "time",
    "prc": "procedure", "proc": "procedure", "dept": "department",
    "loc": "location", "prov": "provider", "svc": "service", "canc": "cancelled", "canceled": "cancelled",
    "sched": "scheduled", "nbr": "number", "num": "number", "amt": "amount", "desc": "description", "dur": "duration",
}  # fmt: skip
#: Words in a file's name that tell its table.
FILE_WORDS = {
    "bookings": "appoint|appt|visit|booking|encounter|schedul",
    "side_effects": "adverse|side.?effect|reac|(?:^|[^a-z])ae(?:[^a-z]|$)",
    "payments": "pay|transaction|receipt|billing|invoice",
    "scores": "score|phq|gad|questionnaire|survey",
    "": "patient|subject|demograph|person|member|(?:^|[^a-z])dm(?:[^a-z]|$)",
}
_WORDS = {
    "completed": "completed|complete|done|checked out|fulfilled|attended|show|showed up|finished|seen|kept",
    "arrived": "arrived|checked in|in progress|waiting",
    "no_show": "no show|noshow|did not attend|dna|missed|absent|not attended",
    "late_cancelled": "late cancel|late cancelled|late cancellation|late canceled",
    "cancelled": "cancelled|canceled|cancel|cxl|rescheduled|cancelled by patient|cancelled by clinic",
    "booked": "booked|scheduled|confirmed|pending|planned|open",
    "mild": "mild|1|grade 1|low",
    "moderate": "moderate|2|grade 2|medium",
    "severe": "severe|3|grade 3|high",
    "life_threatening": "life threatening|4|grade 4",
    "fatal": "fatal|5|grade 5|death",
    "yes": "yes|y|true|1|t",
    "no": "no|n|false|0|f",
    "payment": "payment|paid|charge|sale|credit card|copay",
    "refund": "refund|reversal|chargeback",
    "package_sale": "package sale|package sold|package",
    "package_redemption": "package redemption|redeemed",
    "package_expiry": "package expiry|expired",
    "PHQ-9": "phq 9|phq9",
    "GAD-7": "gad 7|gad7",
}


#: Up to so much confidence a person is asked.
UNSURE = 0.5


@dataclass(frozen=True)
class Guess:
    """A column of a file for one of the contract, with confidence from 0 to 1 and what it rests on."""

    name: str
    confidence: float
    why: str = "by its name"


def words_of(name: str) -> str:
    """A name as words in small letters: AppointmentID and APPOINTMENT_ID become appointment id."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _column_words(name: str) -> str:
    return " ".join(_SHORT.get(word, word) for word in words_of(name).split())


def find_column(wanted: str, header: Sequence[str]) -> str | None:
    """The column of a header that has a name of these words."""
    return next((name for name in header if _column_words(name) == wanted), None)


def guess_column(contract_name: str, table: str, header: Sequence[str], taken: Collection[str]) -> Guess | None:
    """The column of a header that a column of the contract is probably made of."""
    known = [_column_words(name) for name in (contract_name, *SYNONYMS[table].get(contract_name, "").split(", "))]
    best: Guess | None = None
    for name in header:
        if name in taken or not name:
            continue
        words = _column_words(name)
        for rank, one in enumerate(known):
            confidence = 0.0
            if words == one or words.replace(" ", "") == one.replace(" ", ""):
                confidence = 0.95 - 0.02 * rank
            elif len(one) > 3 and (f" {words} ".startswith(f" {one} ") or f" {words} ".endswith(f" {one} ")):
                confidence = 0.6 - 0.02 * rank
            if confidence > 0.2 and (best is None or confidence > best.confidence):
                best = Guess(name, confidence)
    return best


def guess_word(value: str, allowed: Collection[str], negated: bool = False) -> str | None:
    """The word of the contract that a value probably means; `negated` where yes means no-show."""
    words = words_of(value)
    if negated and words in _WORDS["yes"].split("|"):
        return "no_show"
    if negated and words in _WORDS["no"].split("|"):
        return "completed"
    for word in allowed:
        if words == words_of(word) or words in _WORDS.get(word, "").split("|"):
            return word
    return None


def guess_reference(value: str, known: Mapping[str, Collection[str]]) -> str | None:
    """The key that a value probably means: of that key or name, else the one that its words tell from all others.

    Args:
        value: as the file has it.
        known: for each key what it is called.
    """
    words = words_of(value)
    own = {key: {words_of(name) for name in (key, *names)} for key, names in known.items()}
    if found := next((key for key, names in own.items() if words in names), None):
        return found
    parts = {key: set(" ".join(names).split()) for key, names in own.items()}
    keys = Counter(word for each in parts.values() for word in each)
    shared = {key: set(words.split()) & each for key, each in parts.items()}
    weights = {key: sum(1 / keys[word] for word in each) for key, each in shared.items()}
    best = max(weights, key=lambda key: weights[key])
    return best if any(keys[word] == 1 for word in shared[best]) else None
