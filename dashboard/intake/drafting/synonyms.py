"""What other systems call columns, files and values; also in Spanish, Portuguese, German, French and Italian."""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Names that other systems give to a column, most telling first; words in small letters.
_COMMON = {
    "patient_id": "patient id, patient, mrn, medical record number, usubjid, subject id, subjid, subject, person id, "
    "client id, patient number, patient no, member id, chart number, case id, caseid, customer id, customer number, "
    "pid, citizen id, guest id, patient guid, patient uuid, pet id, student id, user id, participant id, "
    "participant, client number, patient account, patient account number, patient chart number, patient code, "
    "client code, guest code, customer code, dossier number, dossier, historia clinica number, historia clinica, "
    "expediente number, expediente, prontuario number, prontuario, cartella clinica, kundennummer",
    "booking_id": "appointment id, booking id, visit id, encounter id, appt id, encounter, appointment number, "
    "appt no, visit number, appointment, visit, appointment reference, booking reference, confirmation number, "
    "booking number, booking code, appointment code, eid, reservation id, reservation number, admission id",
    "site": "site, clinic, clinic name, site id, siteid, location, facility, branch, center, centre, department, "
    "organization, hospital, office, service location, service location name, visit location",
}
COLUMNS: dict[str, dict[str, str]] = {
    "bookings": {
        **_COMMON,
        "booking_id": _COMMON["booking_id"] + ", id, record id, primaryid, case id, account number, hadm id, "
        "visit occurrence id, usubjid, event uuid, uuid, transaction id, reference, "
        "reference number, ref number, ref, vaers id",
        "service": "service, appointment type, visit type, treatment, procedure, service type, product, exposure, "
        "description, encounterclass, item, type",
        "starts_at": "starts at, start at, start, appointment day, appointment date, appointment time, "
        "appointment datetime, scheduled start, scheduled datetime, scheduled time, visit date, start time, "
        "start date, start datetime, appointment start, visit start, date of visit, date of service, service date, "
        "encounter date, scheduled date, admission date, admit date, "
        "rfstdtc, svstdtc, visdat, visdtm, visit start datetime, visit day, datetime, date time, date, "
        "event date, timestamp, slot, encounter datetime, date started, started at, "
        "admit time, admission time, treatment date, session date, infusion date, vax date",
        "status": "status, no show, appointment status, visit status, show, attended, show up, state, "
        "attendance, disposition, outcome",
        "booked_at": "booked at, scheduled day, booking date, appointment made, created at, created, date booked, "
        "scheduled on, booked, booked date, date scheduled, date created, created on, booked on, created date, "
        "event created, request time, date registered, registration date, appointment registration, scheduling date, "
        "creation date, record date, entry date, input date",
        "ends_at": "ends at, end at, end, stop, end time, end date, end datetime, appointment end, visit end, "
        "scheduled end, visit end time, finish, svendtc, rfendtc, date stopped, stopped at, ended at",
        "cancelled_at": "cancelled at, appointment cancelled, cancellation date, cancelled on, date cancelled",
        "birth_date": "birth date, birthdate, birth datetime, dob, date of birth, brthdtc, brthdt, birthday, "
        "birth year, year of birth",
        "age": "age, age at visit, age years, patient age",
        "sex": "sex, gender",
        "indication": "indication, diagnosis, diagnosis code, icd10, icd 10, reasoncode, reason code, condition",
        "provider": "provider, provider id, doctor, doctor id, physician, clinician, practitioner, practitioner id, "
        "staff id, staff member, staff, dentist id, therapist id, caregiver id, professional id, nurse id",
        "channel": "channel, booking source, referral source",
        "chair_minutes": "chair minutes, actual duration, actual minutes, duration, minutes, duration minutes, "
        "duration min, length, service duration, appointment duration",
        "price": "price, fee, charge, cost, total claim cost, billed amount, base encounter cost, billing amount, "
        "total price, total cost",
        "side_effects_assessed": "side effects assessed, form filled, side effect form",
        "dose_mg": "dose mg, dose, exdose",
    },
    "side_effects": {
        "event_id": "event id, ae id, adverse event id, report id, primaryid, aeseq, id, ae number, event number",
        "booking_id": _COMMON["booking_id"] + ", usubjid, subject id, primaryid, vaers id",
        "effect": "effect, side effect, aedecod, aeterm pt, aeterm, reaction, adverse event, term, preferred term, "
        "pt, symptom, event",
        "severity": "severity, aesev, grade, aetoxgr, ctcae grade, intensity",
        "serious": "serious, aeser, is serious, seriousness, sae, ae sae",
        "related": "related, aerel, causality, relationship",
        "onset_at": "onset at, onset, aestdtc, aestdat, aestdt, onset date, start, start date, event date, ae start, "
        "ae start date, date",
        "resolved_at": "resolved at, resolved, resolution date, aeendtc, aeendat, aeendt, end date, stop, end, "
        "ae stop, ae stop date, ae end, ae end date",
        "outcome": "outcome, aeout",
        "action": "action, action taken, aeacn",
    },
    "payments": {
        **_COMMON,
        "payment_id": "payment id, transaction id, receipt number, receipt no, invoice id, invoice number, id, "
        "payment number, sale id, sale number, receipt id, transaction number, "
        "bill id, billing id, bill number",
        "paid_at": "paid at, payment date, paid on, date paid, transaction date, purchase date, "
        "posted date, created utc, created, date, paid date, sale date, post date, posting date, payment time, "
        "submit date time, transaction time, bill date, billing date",
        "kind": "kind, transaction type, reporting category, event type, payment type, type, payment status, status",
        "amount": "amount, payment amount, amount paid, paid amount, paid, payment, total, total amount, total paid, "
        "gross, gross amount",
        "method": "method, payment method, tender, paid by",
    },
    "scores": {
        "patient_id": _COMMON["patient_id"],
        "score_id": "score id, assessment id, response id, survey id, id",
        "instrument": "instrument, questionnaire, scale, survey, measure, qscat, test, assessment, form",
        "taken_at": "taken at, completed at, assessment date, completed on, qsdtc, date, date completed, "
        "completion date, timestamp, recorded date, submitted at, submission date, start date",
        "score": "score, total score, qsstresn, result, total, value",
    },
}
#: Words of which one beside a known name makes the name mean something else.
_STAFF = "provider doctor physician clinician practitioner staff therapist nurse dentist employee"
_WRITTEN = "note notes remark remarks comment comments message memo complaint reason feedback alert instructions"
_ELSE = {
    "patient_id": "name email mail phone address birth dob age sex gender date time status type count city zip state "
    "new returning is has existing old active "
    f"{_STAFF} {_WRITTEN}",
    "booking_id": f"name date time day status type service price {_STAFF} {_WRITTEN}",
    "site": f"zone timezone phone address url email time date type {_STAFF} {_WRITTEN}",
    "service": f"date day id duration time price cost fee amount status number count {_STAFF} {_WRITTEN}",
    "status": f"payment invoice insurance billing marital chart smoking card date time {_WRITTEN}",
    "starts_at": "booked booking created create cancelled end ends updated modified birth paid payment sent "
    "requested request reminder registered stop finish due invoice made onset check checkin checkout",
    "ends_at": "booked booking created cancelled updated modified birth paid payment week start",
    "price": f"name type code point number {_WRITTEN}",
    "amount": "refunded due tax tip tips discount balance fee name type sales",
    "kind": "source method card tender",
    "chair_minutes": "stay months days weeks years seconds wait waiting travel delay late",
    "dose_mg": "kg unit units",
    "provider": f"created booked updated scheduled entered by email mail phone address {_WRITTEN}",
    "indication": _WRITTEN,
    "outcome": _WRITTEN,
    "action": _WRITTEN,
    "effect": "id date severity",
    "onset_at": "visit appointment birth report reported created booked end",
    "resolved_at": "visit appointment birth report reported created booked start",
}
#: Names that beside another word may be anybody's.
GENERIC = _set(
    "date start end stop type time status total value result item event term test measure state show record"
)
ELSE = {name: _set(words) for name, words in _ELSE.items()}
#: Columns that hold what somebody wrote.
WRITTEN = _set(_WRITTEN)
#: Of these, what is written freely; a reason or a complaint may be one of a list.
FREE = WRITTEN - _set("reason complaint alert instructions") | {"narrative"}
#: Words of columns that say who a patient is, unless a word of what else has a name stands beside them.
NAMES = _set("name surname forename nickname first last middle given family maiden")
#: Of these words one stands for a name, and before it those for a patient or for whom it leads to one.
NAMING = _set("name surname forename nickname")
RELATED = _set("pt mother father parent spouse guardian guarantor kin")
ADDRESSES = _set(
    "email mail phone mobile fax whatsapp whats address street zip zipcode postal postcode plz cep birth dob ssn"
)
PERSONAL = NAMES | ADDRESSES | {"contact"}
NAMED = _set(
    "clinic site location facility branch center department organization hospital office service procedure "
    f"appointment product item category type status payment {_STAFF}"
)
#: What else tells one patient from another, most telling first: names of columns that go together.
PEOPLE: tuple[tuple[str, ...], ...] = (
    ("email",), ("e mail",), ("email address",), ("from email address",),
    ("first name", "last name", "date of birth"), ("first name", "last name", "phone"), ("first name", "last name"),
    ("first name", "surname"), ("forename", "surname"), ("given name", "family name"),
    ("name", "first name"), ("name", "last name"), ("name", "date of birth"), ("name", "phone"),
    ("full name",), ("name",), ("client",), ("customer",), ("user",), ("contact",), ("phone",),
)  # fmt: skip
#: Words before them.
WHOSE = _set(
    "patient client customer invitee guest member contact primary subject full participant payer buyer billing "
    "respondent"
)
#: Words beside which another is no patient's: of a place, and of what is one of a few.
ELSEWHERE = _set("clinic site location facility branch center department organization hospital")
LISTED = _set("sex gender type category status")
#: Such words by which patients' ids are called, and what ids are called.
OF_IDS = _set("client customer invitee guest member participant subject")
IDS = _set("uuid guid key reference ref identifier")
#: Names of columns that hold the time to a day, and words of such names.
TIMES = ("time", "start time", "appointment time", "visit time", "start", "from", "starts", "begin", "hour")
STARTS = _set("time start starts begin slot hour from appointment visit scheduled")
#: What names of columns shorten, and how other languages call it, without accents.
_SHORT = {
    "appt": "appointment", "appts": "appointment", "apt": "appointment", "pat": "patient", "enc": "encounter",
    "csn": "encounter", "dt": "date", "dttm": "time", "tm": "time", "dtm": "time",
    "prc": "procedure", "proc": "procedure", "dept": "department",
    "loc": "location", "prov": "provider", "svc": "service", "canc": "cancelled", "canceled": "cancelled",
    "sched": "scheduled", "pay": "payment", "no": "number", "yrs": "years", "ts": "time", "fname": "first name",
    "lname": "last name", "apointment": "appointment", "appoinment": "appointment", "nbr": "number", "num": "number",
    "amt": "amount", "desc": "description", "dur": "duration",
}  # fmt: skip
_LANGUAGES = """
    fecha data datum = date; fechahora = datetime; hora horario ora orario heure uhrzeit zeit = time
    inicio inizio debut beginn anfang = start; fin fim fine ende = end
    paciente pacientes paziente patientin patienten = patient; mascota mascotas = pet; socio = member
    registro = registered
    cliente kunde kundin = client
    cita citas turno turnos agendamento agendamentos = appointment
    consulta consultas termin rendez rdv appuntamento visita = appointment; reserva = booking
    estado estatus situacao statut etat stato = status; clinica clinique praxis = clinic
    sede unidade standort lieu = site; sucursal filial filiale = branch; consultorio cabinet = office
    servicio servico leistung prestation prestazione = service
    tratamiento tratamento behandlung soin trattamento = treatment
    procedimiento procedimento acte = procedure; tipo typ = type; terminart = appointment type
    medico medica medecin arzt doctora = doctor; profesional profissional = professional; praticien = practitioner
    importe monto valor betrag montant importo = amount; precio preco preis prix prezzo = price
    costo coste kosten = cost
    pago pagos pagamento zahlung paiement = payment; metodo = method; edad idade alter eta = age
    sexo sexe sesso geschlecht = sex; genero = gender; nacimiento nascimento naissance nascita = birth
    geburtsdatum = birth date; creado creada criado criada cree erstellt = created; agendado agendada gebucht = booked
    cancelado cancelada annule storniert = cancelled; duracion duracao dauer duree durata = duration
    minutos minuten = minutes; correo = email; telefono telefone telefon telephone = phone; nombre nome nom = name
    apellido apellidos nachname sobrenome cognome = last name; vorname prenom = first name; diagnostico = diagnosis
    asistencia asistio compareceu = attended; ausente ausencia faltou inasistencia = no show
    efecto efeito nebenwirkung = effect; reaccion reacao = reaction; evento = event; adverso = adverse
    gravedad gravidade schweregrad gravite = severity; puntaje puntuacion pontuacao punkte = score
    cuestionario questionario fragebogen = questionnaire; numero nummer nr = number; codigo = id
    direccion domicilio endereco adresse anschrift indirizzo = address; celular movil handy = mobile
    comentario comentarios kommentar commentaire commentaires commento = comment; notiz notizen = note
    resultado = outcome; motivo grund motif = reason; notas observaciones observacoes bemerkung bemerkungen = notes
"""
MEANS = _SHORT | {
    word: english.strip()
    for words, english in (pair.split(" = ") for line in _LANGUAGES.strip().splitlines() for pair in line.split("; "))
    for word in words.split()
}
#: Words of names that tell nothing; OpenEMR begins them with pc.
JOINING = _set("pc of the de del della di da do dos la le el los las der des du d l und y vous in a s")
#: Words in a file's name that tell its table.
FILES = {
    "bookings": "appoint|appt|visit|booking|encounter|schedul|cita|agend|termin|consulta|rendez.?vous|calendar|"
    "attendance",
    "side_effects": "adverse|side.?effect|reac|(?:^|[^a-z])ae(?:[^a-z]|$)",
    "payments": "pay|transaction|receipt|billing|invoice|pago|pagamento|sales",
    "scores": "score|phq|gad|questionnaire|survey",
    "": "patient|subject|demograph|person|member|pacient|(?:^|[^a-z])dm(?:[^a-z]|$)",
}
WORDS = {
    "completed": "completed|complete|comp|charge entered|closed|checkedout|"
    "done|checked out|check out|checkout|show up|occurred|held|final|discharged|vu|"
    "venu|fulfilled|attended|show|showed|showed up|finished|seen|kept|"
    "past|completada|completado|realizada|realizado|atendida|atendido|asistio|finalizada|finalizado|concluida|concluido|"
    "compareceu|erledigt|abgeschlossen|wahrgenommen|erschienen|termine|effectue|honore|completato|effettuato",
    "arrived": "arrived|checked in|checkedin|check in|checkin|in room|roomed|in exam room|in session|"
    "in progress|waiting|chegou|llego|en sala|angekommen|arrive",
    "no_show": "no show|noshow|noshw|n s|ns|"
    "did not show|did not show up|not arrived|never arrived|failed to attend|dnka|"
    "absent non excuse|absence|did not attend|dna|missed|absent|not attended|did not arrive|ausente|falta|no asistio|"
    "inasistencia|faltou|nao compareceu|nicht erschienen|non presente",
    "late_cancelled": "late cancel|late cancelled|late cancellation|late canceled",
    "cancelled": "cancelled|canceled|cancel|canc|can|cxl|r s|resched|"
    "desmarcou|cancelado pelo paciente|cancelada clinica|"
    "rescheduled|reschedule|cancelled by patient|cancelled by clinic|"
    "cancelada|cancelado|cancelo|anulada|anulado|reprogramada|reagendada|storniert|abgesagt|annule|annulee|annullato",
    "booked": "filled|sch|booked|scheduled|"
    "confirmed|pending|planned|open|upcoming|agendada|agendado|programada|programado|"
    "confirmada|confirmado|pendiente|pendente|reservada|reservado|marcada|geplant|bestatigt|gebucht|offen|confirme|"
    "prevu|prenotato|confermato",
    "mild": "mild|1|grade 1|grade i|low|leve|leicht|leger|lieve",
    "moderate": "moderate|mod|2|grade 2|grade ii|medium|moderado|moderada|mittel|modere",
    "severe": "severe|sev|3|grade 3|grade iii|high|grave|schwer",
    "life_threatening": "life threatening|4|grade 4|grade iv",
    "fatal": "fatal|5|grade 5|grade v|death",
    "yes": "yes|y|true|1|t|si|sim|ja|oui",
    "no": "no|n|false|0|f|nao|nein|non",
    "payment": "payment|paid|charge|completed|succeeded|success|successful|approved|captured|settled|"
    "sale|credit card|copay|pago|pagamento|zahlung|paiement",
    "refund": "refund|refunded|reversal|chargeback|reembolso|erstattung|remboursement",
    "package_sale": "package sale|package sold|package",
    "package_redemption": "package redemption|redeemed",
    "package_expiry": "package expiry|expired",
    "PHQ-9": "phq 9|phq9",
    "GAD-7": "gad 7|gad7",
}
#: What is said of payments that came to nothing.
_FAILED = (
    "failed|fail|failure|declined|denied|rejected|refused|error|voided|void|canceled|cancelled|pending|"
    "requires payment method|requires action|incomplete|abandoned|unpaid|rechazado|recusado|abgelehnt"
)
FAILED = frozenset(_FAILED.split("|"))
#: Who cancels or doesn't come.
PARTIES = (
    "patient|client|customer|buyer|guest|member|invitee|clinic|office|practice|business|seller|merchant|provider|"
    "doctor|staff|host|admin|system|user"
)
#: OpenEMR's signs for what became of an appointment.
STATUS_SIGNS = {
    "-": "booked", "*": "booked", "+": "booked", "^": "booked", "@": "arrived", "~": "arrived", "<": "arrived",
    ">": "completed", "$": "completed", "?": "no_show", "x": "cancelled", "&": "cancelled", "%": "late_cancelled",
}  # fmt: skip
#: Words of columns whose yes says that a row counts no more.
GONE = _set("voided deleted void isdeleted")
#: What yes means in a column of such a name; no means the other.
YES: tuple[tuple[str, str, str], ...] = (
    ("no.?show|missed|absent|ausen|falt|inasist", "no_show", "completed"),
    ("show|attend|present|asist|comparec|arrived|kept", "completed", "no_show"),
    # What isn't done may be still to come, or have been given up.
    ("completed|fulfilled|done", "completed", "booked"),
    ("cancel|cxl", "cancelled", "completed"),
)
#: Words of a value that tell no service from another by themselves, and such as stand beside any.
WEAK = _set("basic high low dose recovery full standard new plus")
FILLING = _set(
    "iv drip infusion infusions session visit appointment treatment therapy follow up the of for with and a "
    "initial mg ml min"
)
#: Words for nothing, and the days that stand for none.
EMPTY = re.compile(
    r"\(?null\)?|nan|nat|#?n/?a!?|unknown|missing|"
    r"not (?:known|available|applicable|recorded|specified|stated|asked)|"
    r"#*user_missing_-?\d+#*|\\n|\.|-+|\?+|0001-01-01(?:[ T]00:00(?::00)?)?|0000-00-00(?:[ T]00:00(?::00)?)?|"
    r"0?1/0?1/0001(?: 12:00:00 AM)?",
    re.IGNORECASE,
)
