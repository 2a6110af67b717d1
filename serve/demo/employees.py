"""Schema `hr`: employees, sick leave with diagnoses, and a survey of what Art. 9 GDPR calls special categories.

`hr.sick_leave` is granted to PUBLIC on purpose. Job titles, cost centres and grades are hard negatives.
"""

import polars as pl

from serve.demo.identifiers import by_mask, ibans, social_security_numbers
from serve.demo.planted import value
from serve.demo.population import COUNTRIES, dates, people
from serve.demo.shape import Shape, Table, kept, put

_TITLES = ("Buyer", "Driver", "Developer", "Accountant", "Team Lead", "Picker", "Designer", "Analyst", "Store Manager")
# Codes and titles of ICD-10 (WHO), a few common ones.
_DIAGNOSES = {
    "J06.9": "Acute upper respiratory infection",
    "M54.5": "Low back pain",
    "F32.1": "Moderate depressive episode",
    "E11.9": "Type 2 diabetes mellitus without complications",
    "I10": "Essential hypertension",
    "S93.4": "Sprain of ankle",
    "G43.0": "Migraine without aura",
    "K29.7": "Gastritis",
    "Z34.0": "Supervision of normal first pregnancy",
    "F43.0": "Acute stress reaction",
    "A09": "Gastroenteritis of infectious origin",
    "N39.0": "Urinary tract infection",
}
_RELIGIONS = ("Roman Catholic", "Protestant", "Muslim", "Jewish", "Hindu", "Buddhist", "none", "Orthodox")
_ETHNICITIES = ("White", "Black", "Asian", "Mixed", "Hispanic", "prefer not to say")
_UNIONS = ("ver.di", "Unite", "UFCW", "CGT", "FNV")


@kept
def employees(shape: Shape) -> pl.DataFrame:
    """Rows of hr.employees; everybody but the first ten has a manager among them. Row 13 is planted."""
    rng, count = shape.rng("employees"), shape.employees
    found = people(rng, shape.seed, count)
    local = found["email"].str.split("@").list.first()
    manager = pl.Series(rng.integers(1, 11, count).tolist())
    frame = found.select(
        pl.int_range(1, count + 1).alias("employee_id"),
        "full_name",
        (local + "@corp.example.com").alias("work_email"),
        pl.col("phone").alias("home_phone"),
        pl.Series("ssn", social_security_numbers(rng, count)),
        "date_of_birth",
        dates(rng, count, 1, 6000).alias("hired_on"),
        pl.Series("job_title", _TITLES).gather(rng.integers(0, len(_TITLES), count)),
        pl.Series("cost_centre", by_mask(rng, "4##-0#", count)),
        pl.Series("salary", rng.integers(240, 1400, count) * 100),
        pl.Series("salary_iban", ibans(rng, count)),
        pl.when(pl.int_range(count) < 10).then(None).otherwise(manager).alias("manager_id"),
    )
    return put(
        frame,
        13,
        full_name=value("employee_name"),
        work_email=value("employee_email"),
        ssn=value("employee_ssn"),
    )


def sick_leave(shape: Shape) -> pl.DataFrame:
    """Rows of hr.sick_leave: two for each employee on average."""
    rng, count = shape.rng("sick_leave"), shape.employees * 2
    start = dates(rng, count, 1, 1500)
    case = rng.integers(0, len(_DIAGNOSES), count)
    return pl.DataFrame(
        {
            "leave_id": range(1, count + 1),
            "employee_id": rng.integers(1, shape.employees + 1, count),
            "first_day": start,
            "days": rng.integers(1, 30, count),
            "icd10_code": pl.Series(list(_DIAGNOSES)).gather(case),
            "diagnosis": pl.Series(list(_DIAGNOSES.values())).gather(case),
            "certificate_number": by_mask(rng, "AU-20##-######", count),
        }
    )


def survey(shape: Shape) -> pl.DataFrame:
    """Rows of hr.diversity_survey: one for each employee who answered."""
    rng = shape.rng("survey")
    count = shape.employees * 4 // 5
    member = pl.Series(rng.random(count) < 0.3)
    return pl.DataFrame(
        {
            "employee_id": range(1, count + 1),
            "religion": pl.Series(_RELIGIONS).gather(rng.integers(0, len(_RELIGIONS), count)),
            "ethnicity": pl.Series(_ETHNICITIES).gather(rng.integers(0, len(_ETHNICITIES), count)),
            "union_member": member,
            "union_name": pl.Series(_UNIONS).gather(rng.integers(0, len(_UNIONS), count)),
            "nationality": pl.Series(COUNTRIES).gather(rng.integers(0, len(COUNTRIES), count)),
            "answered_on": dates(rng, count, 1, 120),
        }
    ).with_columns(pl.when(member).then(pl.col("union_name")).otherwise(None).alias("union_name"))


TABLES = (
    Table(
        "hr.employees",
        """employee_id bigint NOT NULL, full_name text NOT NULL, work_email text NOT NULL, home_phone text,
        ssn char(11) NOT NULL, date_of_birth date, hired_on date, job_title text, cost_centre text,
        salary numeric(10,2), salary_iban text, manager_id bigint""",
        employees,
        """ALTER TABLE hr.employees ADD PRIMARY KEY (employee_id);
        ALTER TABLE hr.employees ADD FOREIGN KEY (manager_id) REFERENCES hr.employees;
        COMMENT ON TABLE hr.employees IS 'Payroll master. Personnel department only.';
        COMMENT ON COLUMN hr.employees.hired_on IS 'First day of work.'""",
    ),
    Table(
        "hr.sick_leave",
        """leave_id bigint NOT NULL, employee_id bigint NOT NULL, first_day date, days smallint, icd10_code text,
        diagnosis text, certificate_number text""",
        sick_leave,
        """ALTER TABLE hr.sick_leave ADD PRIMARY KEY (leave_id);
        ALTER TABLE hr.sick_leave ADD FOREIGN KEY (employee_id) REFERENCES hr.employees""",
    ),
    Table(
        "hr.diversity_survey",
        """employee_id bigint NOT NULL, religion text, ethnicity text, union_member boolean, union_name text,
        nationality char(2), answered_on date""",
        survey,
        """ALTER TABLE hr.diversity_survey ADD PRIMARY KEY (employee_id);
        ALTER TABLE hr.diversity_survey ADD FOREIGN KEY (employee_id) REFERENCES hr.employees""",
    ),
)
