"""FHIR's words and what they are here: resource types, statuses, codes, elements."""

from __future__ import annotations

#: The table of the contract that a resource becomes a row of.
TABLE_OF = {
    "Appointment": "bookings",
    "Encounter": "bookings",
    "AdverseEvent": "side_effects",
    "Invoice": "payments",
    "Observation": "scores",
}
BOOKING_TYPES = ("Appointment", "Encounter")

#: Read for what they say of others.
LOOKUPS = frozenset(
    {
        "ChargeItem",
        "Encounter",
        "HealthcareService",
        "Location",
        "Organization",
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "QuestionnaireResponse",
        "Schedule",
        "Slot",
    }
)

#: A reference to one of these must lead to a resource of the delivery.
TRACKED = frozenset({*LOOKUPS, "Appointment"}) - {"QuestionnaireResponse"}

#: Of these an older version must not count.
VERSIONED = TRACKED | {*TABLE_OF, "QuestionnaireResponse"}

#: A code without a place has a reason instead of a status.
APPOINTMENT_STATUSES = {
    "pending": "booked",
    "booked": "booked",
    "arrived": "arrived",
    "checked-in": "arrived",
    "fulfilled": "completed",
    "cancelled": "cancelled",
    "noshow": "no_show",
}
ENCOUNTER_STATUSES = {
    "planned": "booked",
    "arrived": "arrived",
    "triaged": "arrived",
    "in-progress": "arrived",
    "onleave": "arrived",
    "finished": "completed",
    "cancelled": "cancelled",
    # As R5 has them.
    "on-hold": "arrived",
    "discharged": "completed",
    "completed": "completed",
}
#: With these an Encounter's period is a plan, or nothing that can be relied on.
NOT_BEGUN = frozenset({"planned", "cancelled", "entered-in-error", "unknown"})
STATUSES_LEFT_OUT = {
    "Appointment": {
        "proposed": "status proposed: no time was agreed on",
        "waitlist": "status waitlist: no time was agreed on",
        "entered-in-error": "status entered-in-error",
    },
    "Encounter": {
        "entered-in-error": "status entered-in-error",
        "unknown": "status unknown",
    },
    "Invoice": {
        "draft": "status draft: not paid",
        "issued": "status issued: not paid yet",
        "cancelled": "status cancelled",
        "entered-in-error": "status entered-in-error",
    },
    "Observation": {
        "registered": "status registered: not final",
        "preliminary": "status preliminary: not final",
        "cancelled": "status cancelled",
        "entered-in-error": "status entered-in-error",
        "unknown": "status unknown",
    },
    "ChargeItem": {
        "planned": "status planned: not charged",
        "not-billable": "status not-billable",
        "aborted": "status aborted",
        "entered-in-error": "status entered-in-error",
        "unknown": "status unknown",
    },
}
FINAL_OBSERVATION = frozenset({"final", "amended", "corrected"})
FINISHED_FORM = frozenset({"completed", "amended"})
UNFINISHED_FORM = frozenset({"in-progress", "entered-in-error", "stopped"})
CHARGED = frozenset({"billable", "billed"})
PAID_INVOICE = "balanced"

#: The addresses of LOINC and SNOMED CT, and the names by which systems of HL7 version 2 and 3 know them.
LOINC = "http://loinc.org"
LOINC_SYSTEMS = frozenset({LOINC, "https://loinc.org", "urn:oid:2.16.840.1.113883.6.1"})
#: LOINC's total scores and the panels that may hold one.
INSTRUMENT_OF = {
    "44261-6": "PHQ-9",
    "70274-6": "GAD-7",
    "44249-1": "PHQ-9",
    "69737-5": "GAD-7",
}
PANELS = frozenset({"44249-1", "69737-5"})
#: LOINC's codes of the questions, each answered by 0 to 3, and of the answers.
QUESTIONS = {
    "PHQ-9": frozenset(
        {"44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"}
    ),
    "GAD-7": frozenset({"69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"}),
}
ANSWERS = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}

SNOMED_SYSTEMS = frozenset({"http://snomed.info/sct", "https://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96"})
SNOMED_SEVERITY = {
    "255604002": "mild",
    "6736007": "moderate",
    "24484000": "severe",
    "442452003": "life_threatening",
    "399166001": "fatal",
}
GRADES = ("mild", "moderate", "severe", "life_threatening", "fatal")

#: Outcomes as the contract has them; others are counted, since the text of an outcome is free.
OUTCOMES = {
    "resolved": "resolved",
    "recovered": "resolved",
    "recovering": "recovering",
    "ongoing": "ongoing",
    "not recovered": "ongoing",
    "resolved with sequelae": "resolved with sequelae",
    "recovered with sequelae": "resolved with sequelae",
    "fatal": "fatal",
    # As ICH E2B and MedDRA's forms have them.
    "recovered resolved": "resolved",
    "recovering resolving": "recovering",
    "not recovered not resolved": "ongoing",
    "not resolved": "ongoing",
    "recovered resolved with sequelae": "resolved with sequelae",
    "emergency transfer": "emergency transfer",
    "unknown": None,
}

#: NUCC's taxonomy and SNOMED's specialties and occupations of physicians.
ANESTHESIOLOGY_CODES = frozenset({"207L00000X", "394577000", "88189002"})
PHYSICIAN_CODES = frozenset({"309343006", "doctor", "158965000", "112247003"})

CANCELLATION_EXTENSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.cancellationDate"

#: Elements that say nothing about the matter, or are read of every resource.
_COMMON = {"resourceType", "id", "meta", "implicitRules", "language", "contained", "extension", "identifier"}
#: What is read of each type; every other element is counted and left where it is.
READ_ELEMENTS = {
    kind: frozenset(_COMMON | set(elements.split()))
    for kind, elements in {
        "AdverseEvent": "actuality status event code subject encounter date occurrenceDateTime occurrencePeriod "
        "detected seriousness severity outcome suspectEntity",
        "Appointment": "status serviceCategory serviceType specialty appointmentType reasonCode reason description "
        "start end minutesDuration created participant subject slot cancellationDate cancelationDate",
        "ChargeItem": "status context encounter supportingInformation priceOverride",
        "Encounter": "status class type serviceType subject appointment period actualPeriod participant location "
        "serviceProvider "
        "reasonCode",
        "HealthcareService": "type specialty category location name providedBy",
        "Invoice": "status type subject date lineItem totalNet totalGross",
        "Location": "name alias address partOf managingOrganization physicalType",
        "Observation": "status code subject effectiveDateTime effectivePeriod effectiveInstant issued valueInteger "
        "valueQuantity valueString dataAbsentReason derivedFrom component category",
        "Organization": "name alias address partOf",
        "Patient": "birthDate gender link",
        "Practitioner": "",
        "PractitionerRole": "practitioner code specialty",
        "Schedule": "actor",
        "Slot": "schedule",
        "QuestionnaireResponse": "questionnaire status encounter",
    }.items()
}
PERSONAL = frozenset({"name", "telecom", "address", "photo", "contact", "text"})

_NAMES = """
Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent Basic Binary
BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry ChargeItem
ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest
CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement
DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest
EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization
ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List
Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge
MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization
MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical
MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder
Observation ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation
Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure
Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition
ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule
SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription
Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation
SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport
TestScript ValueSet VerificationResult VisionPrescription
AdministrableProductDefinition Citation ClinicalUseDefinition EvidenceReport Ingredient ManufacturedItemDefinition
MedicinalProductDefinition NutritionProduct PackagedProductDefinition RegulatedAuthorization SubscriptionStatus
SubscriptionTopic SubstanceDefinition
"""
#: The types of R4, then those that R4B adds.
RESOURCE_TYPES = frozenset(_NAMES.split())
